// A list of records as a real table: text is only ever set as text, a row opens by a click or by its button.

const made = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};

const lookOf = (column) => (column.look ? `${column.key} ${column.look}` : column.key);

const fill = (place, cell) => {
  if (cell.mark) place.append(made("span", `mark ${cell.mark}`, cell.text || "—"));
  else place.append(made("span", "text", cell.text || "—"));
  if (cell.below) place.append(made("span", "below", cell.below));
};

const headOf = (columns) => {
  const head = made("thead");
  const row = head.insertRow();
  for (const column of columns) {
    const heading = made("th", lookOf(column), column.label);
    heading.scope = "col";
    row.append(heading);
  }
  return head;
};

const rowOf = (data, row, open) => {
  const line = made("tr", row.failed ? "failed" : "");
  row.cells.forEach((cell, at) => {
    const place = line.insertCell();
    place.className = lookOf(data.columns[at]);
    if (!cell.text && !cell.below) place.classList.add("empty");
    place.dataset.label = data.columns[at].label;
    if (at === 0) {
      const button = made("button", "open");
      button.type = "button";
      button.title = data.open;
      fill(button, cell);
      place.append(button);
    } else fill(place, cell);
    if (at === data.marked) for (const mark of row.marks) place.append(made("span", `mark ${mark.kind}`, mark.text));
  });
  line.addEventListener("click", () => {
    // Whoever marks text to copy it does not want to leave the list.
    if (!String(window.getSelection())) open(row.id);
  });
  return line;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const table = made("table");
  table.setAttribute("aria-label", data.label);
  const body = made("tbody");
  for (const row of data.rows) body.append(rowOf(data, row, (id) => setTriggerValue("opened", id)));
  table.append(headOf(data.columns), body);
  frame.replaceChildren(table);
}
