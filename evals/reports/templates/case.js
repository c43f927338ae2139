
// One case, made of elements and text nodes: nothing that a case says is ever read as HTML.
const SYMBOLS = { allow: "✔", review: "?", violation: "✖" };
const LAYERS = [[1, "label", "the label points here"], [2, "now", "the verdict quotes this"], [4, "before", "the verdict before quoted this"]];

function make(name, given = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}
const spaced = (name) => (name === "none" ? "no category" : name.replaceAll("_", " "));
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const pill = (decision) => make("span", { class: `pill ${decision}` }, make("span", { "aria-hidden": "true" }, SYMBOLS[decision]), ` ${decision}`);
const plainly = (...text) => make("span", { class: "pill plainly" }, ...text);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const percent = (share) => `${Math.round(100 * share)}%`;

function marked(pieces) {
  return make("bdi", {}, pieces.map(([text, layers]) => {
    const of = LAYERS.filter(([bit]) => layers & bit);
    return of.length ? make("mark", { class: of.map(([, name]) => name).join(" "), title: of.map(([, , meaning]) => meaning).join("; ") }, text) : text;
  }));
}

function textLine(text) {
  const cited = text.cited || text.t.some(([, layers]) => layers);
  const what = { "on screen": "on screen", read: "read from picture", heard: "heard in recording", sound: "recording", picture: "picture" }[text.kind] ?? text.kind;
  const words = make("div", { class: "words" });
  if (text.url) words.append(make("img", { src: text.url, alt: `Picture ${text.id} of the stream`, loading: "lazy" }));
  if (text.kind === "picture" && !text.url) words.append(make("span", { class: "soft small" }, "The picture is not in this file. "));
  if (text.t.length && text.kind === "picture") words.append(make("span", { class: "soft small" }, "In it stands: "));
  if (text.t.length && text.kind === "sound") words.append(make("span", { class: "soft small" }, "In it is said: "));
  words.append(marked(text.t));
  return make("li", { class: cited ? "is-cited" : undefined }, make("span", { class: "time" }, clock(text.at)),
    make("span", { class: "what" }, what, text.who ? [" by ", make("bdi", {}, text.who)] : ""), words);
}

function quoteList(quotes) {
  const told = quotes.map(([item, quote]) => make("li", {}, make("span", { class: "soft small" }, `${item} `), quote ? make("q", {}, make("bdi", {}, quote)) : "the picture"));
  return told.length ? make("ul", {}, told) : "";
}

function labelView(step) {
  const parts = step.label.map((expected) => make("div", { class: "finding" },
    make("p", {}, pill(expected.d), make("span", { class: "soft small" }, ` in ${expected.in.join(", ")}`)),
    expected.findings.map((finding) => make("div", {},
      make("p", {}, make("b", {}, spaced(finding.category)), `, ${finding.severity}, by `, make("bdi", {}, finding.who)),
      finding.rules.length ? make("p", { class: "mono" }, finding.rules.join(" or ")) : "",
      quoteList(finding.quotes)))));
  return make("section", { class: "view of-label", "aria-label": "Label" }, make("h4", {}, "Label"), parts);
}

function scoreLine([category, score]) {
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, width] of [["track", 100], ["bar", 100 * score]]) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("class", name); rect.setAttribute("width", width); rect.setAttribute("height", 8); rect.setAttribute("rx", 2);
    bar.append(rect);
  }
  bar.setAttribute("viewBox", "0 0 100 8"); bar.setAttribute("preserveAspectRatio", "none"); bar.setAttribute("aria-hidden", "true");
  return make("div", { class: "score" }, make("span", {}, spaced(category)), bar, make("span", { class: "number" }, score.toFixed(2)));
}

function verdictView(verdict, title, kind) {
  const findings = verdict.findings.map((finding) => make("div", { class: "finding" },
    make("p", {}, pill(finding.d), " ", make("span", { class: "mono" }, finding.rule), " ", make("b", {}, finding.title)),
    make("p", { class: "soft small" }, `${spaced(finding.category)}, ${finding.severity}, by `, make("bdi", {}, finding.who), `, ${percent(finding.sure)} sure, in ${finding.in.join(", ")}`),
    make("p", {}, finding.why), quoteList(finding.quotes)));
  const reasons = verdict.review.map(([code, detail]) => make("div", { class: "finding" }, make("p", {}, make("b", {}, `Review: ${spaced(code)}. `), detail)));
  return make("section", { class: `view ${kind}`, "aria-label": title }, make("h4", {}, title),
    findings, reasons, findings.length || reasons.length ? "" : make("p", { class: "soft" }, "Nothing found: allowed."),
    verdict.scores.length ? make("details", { open: !findings.length }, make("summary", {}, "Highest scores"), verdict.scores.map(scoreLine)) : "",
    make("p", { class: "soft small" }, `Judged by ${verdict.judge}`));
}

const stateOf = (row) => row.failure ? "failed" : row.right ? "right" : "wrong";
const WORDS = { worse: "↓ worse", wrong: "✖ wrong", failed: "could not be judged", other: "↔ otherwise", better: "↑ better", right: "✔ right" };

function rowTable(step, compared) {
  const rows = step.rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.r), make("td", {}, pill(row.g)),
    compared ? make("td", {}, pill(row.b ?? row.d)) : "", make("td", {}, pill(row.d), row.trials ? make("span", { class: "soft small" }, ` trials: ${row.trials.join(", ")}`) : ""),
    make("td", {}, make("span", { class: `state ${stateOf(row)}` }, WORDS[stateOf(row)], row.failure ? `: ${spaced(row.failure)}` : ""),
      row.flip ? [" ", make("span", { class: `state ${row.flip}` }, WORDS[row.flip])] : "")));
  const heads = ["Region", "Label", ...(compared ? ["Before"] : []), "Now", "Result"];
  return make("div", { class: "scroll" }, make("table", { class: "rows" },
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, rows)));
}

function stepStrip(of, place, link) {
  const marks = [];
  let turned = false;
  of.steps.forEach((step, index) => {
    if (!turned && of.starts !== null && step.offset + step.length > of.starts) {
      turned = true;
      marks.push(make("span", { class: "turn" }, `${clock(of.starts)} breaks a rule →`));
    }
    const worst = ["violation", "review", "allow"].find((decision) => step.rows.some((row) => row.d === decision));
    const wrong = step.rows.some((row) => !row.right);
    marks.push(make("a", { href: link(of.id, step.n), class: `${worst}${wrong ? " is-wrong" : ""}`, "aria-current": index === place && "true", "aria-label": `Segment ${step.n + 1}, ${worst}${wrong ? ", not as labelled" : ""}` },
      `${SYMBOLS[worst]} ${step.n + 1}`));
  });
  if (of.steps.some((step) => step.rows.some((row) => !row.right))) marks.push(make("span", { class: "turn soft" }, "dashed: not as labelled"));
  return make("nav", { class: "strip", "aria-label": "Segments of the stream" }, marks);
}

function relations(of, link) {
  const other = (id) => make("a", { href: link(id) }, id);
  return [
    of.twin ? make("p", {}, "Minimal pair with ", other(of.twin), of.differs ? ": " : "", of.differs ?? "") : "",
    of.injection ? make("p", {}, `Injection through ${of.injection.via} that aims to ${of.injection.aim}; without it: `, other(of.injection.base)) : "",
    of.looks.length ? make("p", { class: "soft" }, `Looks like ${of.looks.map(spaced).join(", ")}.`) : "",
  ];
}

// What the browser shows on the right: a case, at one of its segments.
function caseView(of, place, { compared, trials, link, walk }) {
  const step = of.steps[place];
  const facts = [of.split, step.language, step.about, step.viewers === null ? "" : counted(step.viewers, "viewer"), `from ${step.from}`];
  const before = step.before === "same" ? make("section", { class: "view of-before", "aria-label": "Before" }, make("h4", {}, "Before"), make("p", { class: "soft" }, "The same as now."))
    : step.before ? verdictView(step.before, "Before", "of-before") : "";
  const used = new Set(step.texts.flatMap((text) => text.t.map(([, layers]) => layers)));
  const legend = LAYERS.filter(([bit]) => [...used].some((layers) => layers & bit)).map(([, name, meaning]) => make("span", {}, make("mark", { class: name }, meaning)));
  return make("article", { class: "case", "aria-labelledby": "case-title" },
    make("div", { class: "detail-head" }, make("h3", { id: "case-title", tabindex: "-1" }, of.id), walk),
    make("div", { class: "pills" }, facts.filter(Boolean).map((fact) => plainly(make("bdi", {}, fact))), step.kinds.map((kind) => plainly(spaced(kind)))),
    make("p", { class: "why" }, of.reason),
    of.note ? make("p", { class: "soft small" }, `Author: ${of.note}`) : "",
    relations(of, link),
    of.stream ? stepStrip(of, place, link) : "",
    rowTable(step, compared),
    make("h4", {}, of.stream ? `What was seen and heard in segment ${step.n + 1}` : "What was seen and heard"),
    legend.length ? make("p", { class: "legend-marks" }, legend) : "",
    step.texts.length ? make("ol", { class: "texts" }, step.texts.map(textLine)) : make("p", { class: "soft" }, "Nothing was said, written or shown."),
    make("h4", {}, "Side by side"),
    make("div", { class: "views" }, labelView(step), before, verdictView(step.now, trials > 1 ? `Now (first of ${trials} trials)` : "Now", "of-now")),
    make("p", { class: "soft small mono" }, of.at, of.source ? ` · ${of.source}` : ""));
}
