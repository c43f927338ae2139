
// The case browser: filters and search on the left, the case on the right; the address says what is shown.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = document.getElementById("browser");
  const CHUNK = 60;
  const narrow = matchMedia("(max-width: 900px)");
  const rowFilters = {
    judged: (row) => [stateOf(row)],
    flip: (row) => (row.flip ? [row.flip, "any"] : []),
    gold: (row) => [row.g],
    decided: (row) => [row.d],
    category: (row) => row.c,
    region: (row) => [row.r],
    severity: (row) => (row.s ? [row.s] : []),
  };
  const stepFilters = { language: (step) => [(step.language || "und").split("-")[0]], kind: (step) => step.kinds };
  const titles = { judged: "Judged", flip: "Since before", gold: "Label", decided: "Decision", category: "Category", region: "Region", severity: "Severity", language: "Language", kind: "Kind", split: "Split" };
  const order = { judged: ["wrong", "right", "failed"], flip: ["any", "worse", "other", "better"], gold: Object.keys(SYMBOLS), decided: Object.keys(SYMBOLS), severity: ["low", "medium", "high", "critical"] };
  const byId = new Map(data.cases.map((of) => [of.id, of]));
  const texts = new Map();
  let state = {};
  let found = [];
  let shown = 0;

  const address = (given) => "#" + new URLSearchParams(Object.entries(given).filter(([, value]) => value)).toString();
  const filtersOnly = () => Object.fromEntries(Object.entries(state).filter(([key]) => key !== "case" && key !== "step"));
  const link = (id, step) => address({ ...filtersOnly(), case: id, step: step ? step + 1 : undefined });

  function textOf(of) {
    if (!texts.has(of.id)) {
      const told = [of.id, of.reason, of.note, of.at, of.source];
      for (const step of of.steps) {
        for (const text of step.texts) told.push(text.t.map(([piece]) => piece).join(""), text.who ?? "");
        for (const verdict of [step.now, step.before]) {
          for (const finding of verdict?.findings ?? []) told.push(finding.rule, finding.title, finding.why);
          for (const [code, detail] of verdict?.review ?? []) told.push(code, detail);
        }
        for (const expected of step.label) for (const finding of expected.findings) told.push(...finding.rules);
      }
      texts.set(of.id, told.join("\n").toLowerCase());
    }
    return texts.get(of.id);
  }
  const wanted = (reading, key, of) => !state[key] || reading(of).includes(state[key]);
  const fits = (step) => Object.entries(stepFilters).every(([key, reading]) => wanted(reading, key, step))
    && step.rows.some((row) => Object.entries(rowFilters).every(([key, reading]) => wanted(reading, key, row)));
  function matches(of) {
    if (state.split && of.split !== state.split) return false;
    if (!of.steps.some(fits)) return false;
    const words = (state.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    return !words.length || words.every((word) => textOf(of).includes(word));
  }

  // --- The parts of the page.
  const field = (id, title, control) => make("div", { class: `field of-${id}` }, make("label", { for: control.id }, title), control);
  const search = make("input", { type: "search", id: "search", autocomplete: "off", placeholder: "words, rule ids, case ids …" });
  const selects = {};
  const filters = make("form", { class: "filters", role: "search", "aria-label": "Cases" }, field("search", "Search", search));
  const counts = {};
  for (const of of data.cases) {
    const add = (key, value) => { const one = (counts[key] ??= new Map()); one.set(value, (one.get(value) ?? 0) + 1); };
    add("split", of.split);
    for (const step of of.steps) {
      for (const [key, reading] of Object.entries(stepFilters)) for (const value of reading(step)) add(key, value);
      for (const row of step.rows) for (const [key, reading] of Object.entries(rowFilters)) for (const value of reading(row)) add(key, value);
    }
  }
  for (const key of Object.keys(titles)) {
    if (!counts[key] || (key === "split" && counts[key].size < 2)) continue;
    const values = (order[key] ?? [...counts[key].keys()].sort()).filter((value) => counts[key].has(value));
    const unit = key === "split" ? "case" : key in stepFilters ? "segment" : "row";
    selects[key] = make("select", { id: `filter-${key}` }, make("option", { value: "" }, "all"),
      values.map((value) => make("option", { value }, `${key === "region" || key === "language" ? value : spaced(value)} (${counts[key].get(value).toLocaleString("en")})`)));
    selects[key].title = `In brackets: ${unit}s`;
    filters.append(field(key, titles[key], selects[key]));
  }
  const clear = make("button", { type: "button", class: "button" }, "Clear");
  filters.append(clear);
  const status = make("p", { class: "small soft", role: "status" });
  const list = make("ol", { class: "case-list", "aria-label": "Cases; arrow keys move, Enter opens" });
  const detail = make("div", { class: "card detail" });
  const side = make("div", { class: "side" }, make("div", { class: "found" }, status), list);
  place.append(filters, make("div", { class: "browser" }, side, detail));
  place.hidden = false;

  // --- The list, drawn as far as somebody looks.
  function entry(of) {
    const rows = of.steps.filter(fits).flatMap((step) => step.rows);
    const states = new Map();
    for (const row of rows) for (const name of row.flip ? [stateOf(row), row.flip] : [stateOf(row)]) states.set(name, (states.get(name) ?? 0) + 1);
    if (states.size > 1) states.delete("right");
    const told = Object.keys(WORDS).filter((name) => states.has(name));
    const title = of.steps[0].texts.find((text) => text.kind === "title") ?? of.steps[0].texts[0];
    return make("li", {}, make("a", { href: link(of.id), tabindex: "-1", "data-case": of.id },
      make("span", { class: "name" }, of.id),
      make("span", { class: "line" }, make("bdi", {}, title ? title.t.map(([piece]) => piece).join("") : "")),
      make("span", { class: "states" }, told.map((name) => make("span", { class: `state ${name}` }, WORDS[name], states.get(name) > 1 ? ` ${states.get(name)}` : "")),
        of.stream ? make("span", { class: "soft" }, counted(of.steps.length, "segment")) : "")));
  }
  const more = make("button", { type: "button", class: "button" });
  const seen = new IntersectionObserver((entries) => { if (entries.some((one) => one.isIntersecting)) extend(); }, { root: list, rootMargin: "400px" });
  const links = () => [...list.querySelectorAll("a")];
  function extend() {
    const next = found.slice(shown, shown + CHUNK);
    shown += next.length;
    more.parentElement?.remove();
    list.append(...next.map(entry));
    mark();
    if (shown < found.length) {
      more.textContent = `Show more (${(found.length - shown).toLocaleString("en")})`;
      list.append(make("li", {}, more));
      seen.disconnect();
      seen.observe(more);
    }
  }
  more.addEventListener("click", () => { const first = shown; extend(); links()[first]?.focus(); });
  function hold(one) { for (const other of links()) other.tabIndex = other === one ? 0 : -1; }
  function mark() {
    const all = links();
    for (const one of all) { if (one.dataset.case === state.case) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current"); }
    hold(all.find((one) => one.dataset.case === state.case) ?? all[0]);
  }
  list.addEventListener("focusin", (event) => { if (event.target.matches("a")) hold(event.target); });
  list.addEventListener("keydown", (event) => {
    const all = links();
    const here = all.indexOf(document.activeElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    if (to >= all.length && shown < found.length) extend();
    links()[to]?.focus();
  });

  // Only the list scrolls, not the page.
  function reveal(one) {
    if (!one) return;
    const [inner, outer] = [one.getBoundingClientRect(), list.getBoundingClientRect()];
    if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
    else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
  }

  // --- The case.
  function open({ jump = false } = {}) {
    const of = byId.get(state.case);
    mark();
    if (!of) { detail.replaceChildren(make("p", { class: "soft" }, found.length ? "Choose a case." : "No case fits. Clear a filter, or search for something else.")); return; }
    const asked = of.steps.findIndex((step) => step.n + 1 === Number(state.step));
    const telling = [(row) => row.flip === "worse", (row) => !row.right, (row) => row.flip].map((test) => of.steps.findIndex((step) => fits(step) && step.rows.some(test)));
    const step = Math.max(0, asked >= 0 ? asked : telling.find((index) => index >= 0) ?? of.steps.findIndex(fits));
    const at = found.indexOf(of);
    const go = (to, label) => {
      const button = make("button", { type: "button", class: "button", disabled: !found[to] || at < 0 }, label);
      button.addEventListener("click", () => { location.hash = link(found[to].id); });
      return button;
    };
    const walk = make("div", { class: "walk" }, go(at - 1, "Previous"), go(at + 1, "Next"));
    detail.replaceChildren(caseView(of, step, { compared: data.compared, trials: data.trials, link, walk }));
    reveal(list.querySelector("[aria-current]"));
    if (jump) { const title = document.getElementById("case-title"); title.focus({ preventScroll: true }); detail.scrollIntoView({ block: "start" }); }
  }

  function filter() {
    found = data.cases.filter(matches);
    shown = 0;
    list.replaceChildren();
    list.scrollTop = 0;
    extend();
    const left = data.left_out ? ` ${counted(data.left_out, "further case")} had no room in this file; records.parquet has them.` : "";
    status.textContent = `${found.length.toLocaleString("en")} of ${counted(data.cases.length, "case")}.${left}`;
    search.value = state.q ?? "";
    for (const [key, select] of Object.entries(selects)) { select.value = state[key] ?? ""; select.classList.toggle("is-set", Boolean(select.value)); }
  }

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const known = ["q", "case", "step", ...Object.keys(titles)];
    return Object.fromEntries(known.filter((key) => given.get(key)).map((key) => [key, given.get(key)]));
  }
  function follow(event) {
    // A name without "=" is a part of the page, which the browser finds by itself.
    if (event && location.hash && !location.hash.includes("=")) return;
    const old = address(filtersOnly());
    const from = document.activeElement;
    state = read();
    if (!event || address(filtersOnly()) !== old) filter();
    if (!state.case && found.length) state.case = found[0].id;
    const asked = location.hash.includes("=");
    const inList = list.contains(from) && !narrow.matches;
    open({ jump: asked && !inList });
    if (event && asked && !new URLSearchParams(location.hash.slice(1)).get("case")) document.getElementById("cases").scrollIntoView();
  }
  function change() {
    state = Object.fromEntries([["q", search.value.trim()], ...Object.entries(selects).map(([key, select]) => [key, select.value])].filter(([, value]) => value));
    history.replaceState(null, "", address(state) === "#" ? "#cases" : address(state));
    filter();
    state.case = found[0]?.id;
    open();
  }
  let waiting;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(change, 150); });
  filters.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); change(); });
  for (const select of Object.values(selects)) select.addEventListener("change", change);
  clear.addEventListener("click", () => { search.value = ""; for (const select of Object.values(selects)) select.value = ""; change(); search.focus(); });
  addEventListener("hashchange", follow);
  follow();
}
