
"use strict";
// Everything works without this script; it adds arrow keys on the timeline, its readout, and the filters of the transcript.
for (const timeline of document.querySelectorAll(".timeline")) {
  const marks = [...timeline.querySelectorAll("a[data-at]")].sort((a, b) => a.dataset.at - b.dataset.at);
  const readout = timeline.querySelector(".readout");
  const hint = readout.textContent;
  // One stop of the tab key for the whole timeline; arrows move inside.
  const hold = (mark) => marks.forEach((other) => { other.tabIndex = other === mark ? 0 : -1; });
  if (marks.length) hold(marks.find((mark) => mark.classList.contains("found")) ?? marks[0]);
  timeline.addEventListener("focusin", (event) => {
    if (marks.includes(event.target)) { hold(event.target); readout.textContent = event.target.getAttribute("aria-label"); }
  });
  timeline.addEventListener("pointerover", (event) => {
    const mark = event.target.closest("a[data-at]");
    if (mark) readout.textContent = mark.getAttribute("aria-label");
  });
  timeline.addEventListener("pointerleave", () => {
    readout.textContent = marks.includes(document.activeElement) ? document.activeElement.getAttribute("aria-label") : hint;
  });
  timeline.addEventListener("keydown", (event) => {
    const here = marks.indexOf(document.activeElement);
    if (here < 0) return;
    const lane = marks.filter((mark) => mark.parentElement === marks[here].parentElement);
    const lanes = [...timeline.querySelectorAll(".lane")].filter((found) => found.querySelector("a[data-at]"));
    let next;
    if (event.key === "ArrowRight") next = lane[lane.indexOf(marks[here]) + 1];
    else if (event.key === "ArrowLeft") next = lane[lane.indexOf(marks[here]) - 1];
    else if (event.key === "Home") next = lane[0];
    else if (event.key === "End") next = lane[lane.length - 1];
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const other = lanes[lanes.indexOf(marks[here].parentElement) + (event.key === "ArrowDown" ? 1 : -1)];
      const near = (mark) => Math.abs(mark.dataset.at - marks[here].dataset.at);
      next = other && marks.filter((mark) => mark.parentElement === other).sort((a, b) => near(a) - near(b))[0];
    } else return;
    event.preventDefault();
    if (next) next.focus();
  });
}
function show() {
  let target = null;
  try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  for (let around = target.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
  const lines = target.closest(".lines");
  if (lines) for (const box of document.querySelectorAll(`input[data-lines="${lines.id}"]`)) { box.checked = true; box.dispatchEvent(new Event("change")); }
  target.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", show);
show();
for (const box of document.querySelectorAll("input[data-lines]")) {
  box.closest("fieldset").hidden = false;
  box.addEventListener("change", () => document.getElementById(box.dataset.lines).classList.toggle(`without-${box.value}`, !box.checked));
}
