/* Tables: sorted by a click on a head, rows of what is hidden left out; commands to copy. */
function sortBy(head) {
  const table = head.closest("table"), column = head.cellIndex, numeric = head.classList.contains("number");
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = (row) => row.cells[column].dataset.key;
  const compare = (a, b) => {
    if (!key(a) || !key(b)) return key(a) ? -1 : key(b) ? 1 : 0; // undefined ones last, whichever way
    const order = numeric ? Number(key(a)) - Number(key(b)) : key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
    return ascending ? order : -order;
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
}

function filterSheets() {
  for (const row of document.querySelectorAll(".sheet tbody tr")) {
    const { objective, axis, error, algorithms } = row.dataset;
    const chosen = (!axis || axis === state.axis) && (!error || error === state.error);
    row.hidden = !chosen || !inView(objective) || JSON.parse(algorithms).some((name) => state.hidden.has(name));
  }
}

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) { // not allowed from disk in every browser
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}
