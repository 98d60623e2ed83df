// Draws entries of a log. Everything of them is put in as text, never as markup.
const FOLDED = 12;

function marked(parent, text, keyword, matchCase) {
  if (!keyword) return parent.append(text);
  const where = matchCase ? text : text.toLowerCase();
  const what = matchCase ? keyword : keyword.toLowerCase();
  let from = 0;
  // Where lower case has another length, positions would be wrong.
  for (let at = where.length === text.length ? where.indexOf(what) : -1; at >= 0; at = where.indexOf(what, from)) {
    parent.append(text.slice(from, at));
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + what.length);
    parent.append(mark);
    from = at + what.length;
  }
  parent.append(text.slice(from));
}

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text) made.textContent = text;
  return made;
}

function body(entry, data, words) {
  const place = element("div", "text");
  const lines = entry.text.split("\n");
  const fill = (count) => {
    place.replaceChildren();
    marked(place, lines.slice(0, count).join("\n"), entry.context ? "" : data.keyword, data.case);
    if (lines.length <= FOLDED + 2) return;
    const more = element("button", "more");
    const open = count >= lines.length;
    more.type = "button";
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? words.less : words.more.replace("{count}", lines.length - count);
    more.onclick = () => fill(open ? FOLDED : lines.length);
    place.append("\n", more);
  };
  fill(lines.length <= FOLDED + 2 ? lines.length : FOLDED);
  if (entry.cut) place.append("\n", element("em", "cut", words.cut));
  return place;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".entries");
  const words = data.words;
  const wasAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 40;
  const isFirst = !root.dataset.drawn;
  root.dataset.drawn = "1";
  root.setAttribute("aria-label", words.label);
  root.replaceChildren();
  for (const entry of data.entries) {
    if (entry.gap) root.append(element("div", "gap", "···"));
    const row = element("div", "entry " + entry.level + (entry.context ? " context" : ""));
    row.setAttribute("role", "listitem");
    row.append(element("span", "time", entry.time), element("span", "level", entry.word), body(entry, data, words));
    root.append(row);
  }
  if (isFirst || wasAtEnd || !data.follow) root.scrollTop = root.scrollHeight;
  if (isFirst) root.scrollIntoView({ block: "nearest" });
}
