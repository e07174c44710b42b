// Filters, orders and turns the pages of the table of students. Without this script the table is complete, in the gradebook's order.
"use strict";

const [tools, filter, show, order, shown, back, on, nobody, table] =
  ["tools", "filter", "show", "order", "shown", "back", "on", "nobody", "marks"].map((id) => document.getElementById(id));
const body = table.tBodies[0] ?? table.createTBody();
const PAGE = body.rows.length;
const rows = [...table.tBodies].flatMap((leaf) => [...leaf.rows]).map((row, at) => ({ row, at, text: row.cells[0].textContent.toLowerCase(), is: (row.dataset.is ?? "").split(" ") }));
const names = new Intl.Collator(document.documentElement.lang);

// The number in a cell; of a student without an answer, less than any.
const number = (cell) => cell ? Number.parseFloat(cell.textContent.replace(/[^\d.−-]/g, "").replace("−", "-")) : NaN;
const value = ({ row }, column) => {
  const cells = row.cells;
  const cell = column === "total" ? cells[cells.length - 3] : column === "attempts" ? cells[cells.length - 1] : cells[Number(column)];
  const found = cell?.colSpan > 1 ? NaN : number(cell);
  return Number.isNaN(found) ? -Infinity : found;
};

let kept = rows;
let first = 0;

const turn = (to) => {
  first = Math.max(0, Math.min(to, Math.floor((kept.length - 1) / PAGE) * PAGE));
  const last = Math.min(first + PAGE, kept.length);
  body.replaceChildren(...kept.slice(first, last).map(({ row }) => row));
  const words = { first: kept.length ? first + 1 : 0, last, all: kept.length };
  shown.textContent = shown.dataset.words.replace(/\{(\w+)\}/g, (_, word) => words[word].toLocaleString("en"));
  nobody.hidden = kept.length > 0;
  back.hidden = on.hidden = kept.length <= PAGE;
  back.disabled = first === 0;
  on.disabled = last === kept.length;
};

const update = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  kept = rows.filter(({ text, is }) => words.every((word) => text.includes(word)) && (!show.value || is.includes(show.value)));
  const { value: column, dataset } = order.selectedOptions[0];
  if (column === "0") {
    kept.sort((a, b) => names.compare(a.text, b.text) || a.at - b.at);
  } else if (column) {
    const sign = "down" in dataset ? -1 : 1;
    const values = new Map(kept.map((one) => [one, value(one, column)]));
    kept.sort((a, b) => (values.get(a) === values.get(b) ? a.at - b.at : sign * (values.get(a) - values.get(b))));
  }
  turn(0);
};

tools.hidden = false;
tools.addEventListener("input", update);
tools.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { filter.value = ""; update(); }
});
back.addEventListener("click", () => turn(first - PAGE));
on.addEventListener("click", () => turn(first + PAGE));
addEventListener("beforeprint", () => body.replaceChildren(...kept.map(({ row }) => row)));
addEventListener("afterprint", () => turn(first));
update();
