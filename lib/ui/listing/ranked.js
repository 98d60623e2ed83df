// Values with their counts as bars, the most first: a click on one filters by it, a click on a chosen one takes it back.

const made = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};

const rowOf = (row, choose) => {
  const item = made("li");
  const button = made("button", row.chosen ? "chosen" : "");
  button.type = "button";
  button.title = row.title;
  button.setAttribute("aria-pressed", String(row.chosen));
  const line = made("span", "line");
  line.append(made("span", "text", row.text), made("span", "count", row.told));
  const bar = made("span", "bar");
  const sound = made("span", "sound");
  const failed = made("span", "failed");
  sound.style.width = `${100 * (row.share - row.failed)}%`;
  failed.style.width = `${100 * row.failed}%`;
  bar.append(sound, failed);
  button.append(line, bar);
  button.addEventListener("click", () => choose(row.value));
  item.append(button);
  return item;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".ranked");
  list.setAttribute("aria-label", data.label);
  list.replaceChildren(...data.rows.map((row) => rowOf(row, (value) => setTriggerValue("chosen", value))));
}
