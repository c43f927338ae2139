
// Colours: the reader's choice, kept where the browser allows it.
{
  const root = document.documentElement;
  const boxes = [...document.querySelectorAll("input[name=theme]")];
  let chosen = "auto";
  try { chosen = localStorage.getItem("livesteward-theme") ?? "auto"; } catch { /* No storage for files in some browsers. */ }
  const show = (theme) => { if (theme === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = theme; };
  if (!boxes.some((box) => box.value === chosen)) chosen = "auto";
  show(chosen);
  for (const box of boxes) {
    box.checked = box.value === chosen;
    box.addEventListener("change", () => {
      show(box.value);
      try { localStorage.setItem("livesteward-theme", box.value); } catch { /* It holds until the page is left. */ }
    });
  }
  document.querySelector(".theme").hidden = false;
}

// Tables: a button in each heading sorts by its column.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const value = (row) => {
        const cell = row.cells[column];
        return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v === "None" ? -Infinity : Number(cell.dataset.v);
      };
      const numeric = heading.classList.contains("number");
      const falling = heading.ariaSort ? heading.ariaSort === "ascending" : numeric;
      for (const other of headings) other.ariaSort = null;
      heading.ariaSort = falling ? "descending" : "ascending";
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => (numeric ? a - b : String(a).localeCompare(String(b))) * (falling ? -1 : 1));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

// Paper shows everything.
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; one.dataset.shut = ""; } });
addEventListener("afterprint", () => { for (const one of document.querySelectorAll("details[data-shut]")) { one.open = false; delete one.dataset.shut; } });
