// Filters and orders the overview. Without this script the table is complete and in order of theme.
"use strict";

const tools = document.getElementById("tools");
if (tools) {
  const [filter, outcome, order, shown, none] = ["filter", "outcome", "order", "shown", "none"].map((id) => document.getElementById(id));
  const table = document.getElementById("overview");
  const bodies = [...table.tBodies];
  const rows = bodies.flatMap((body) =>
    [...body.querySelectorAll("tr.exercise")].map((row) => ({ row, body, text: row.cells[0].textContent.toLowerCase(), name: row.querySelector("a").textContent.toLowerCase() })));
  const all = table.appendChild(document.createElement("tbody"));
  const size = (row, key) => {
    const value = row.dataset[key];
    return value === "nan" || value === "inf" ? Infinity : Number(value);
  };

  const update = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let visible = 0;
    for (const { row, text } of rows) {
      const kept = words.every((word) => text.includes(word)) &&
        (!outcome.value || row.dataset.outcome === outcome.value || (outcome.value === "unexpected" && row.dataset.expected === "no"));
      row.hidden = !kept;
      visible += kept;
    }
    const key = order.value;
    const sorted = key === "name"
      ? [...rows].sort((a, b) => a.name.localeCompare(b.name))
      : key ? [...rows].sort((a, b) => size(b.row, key) - size(a.row, key)) : rows;
    for (const { row, body } of sorted) (key ? all : body).append(row);
    for (const body of bodies) body.hidden = Boolean(key) || !body.querySelector("tr.exercise:not([hidden])");
    shown.textContent = `${visible} of ${rows.length} shown`;
    none.hidden = visible > 0;
  };

  tools.hidden = false;
  tools.addEventListener("input", update);
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { filter.value = ""; update(); }
  });
  update();
}
