// Candidates as cards or as rows. Every text comes as text and is set as text. What is chosen goes
// to Python, which alone says what is shown as chosen.
const element = (tag, classes = "", text = "") => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
};

function picture(item, alt) {
  const made = element("img");
  made.src = item.picture;
  made.alt = alt;
  made.decoding = "async";
  return made;
}

function mark(item) {
  const made = element("span", `sl-verdict sl-verdict-${item.verdict}`);
  if (item.verdict) made.textContent = `${item.mark} ${item.opinion}`;
  return made;
}

function card(item) {
  const made = element("li", "sl-card");
  const open = element("button", "sl-card-open");
  open.type = "button";
  const text = element("span", "sl-card-text");
  const score = element("span", "sl-score");
  score.append(element("small", "", "score "), item.score);
  text.append(
    element("span", "sl-rank", String(item.rank)),
    score,
    Object.assign(element("strong", "", item.camera), { title: item.camera }),
    element("span", "sl-hint", item.camera_id),
    element("span", "", item.clock),
    element("span", "sl-hint", item.day),
    element("span", "sl-hint", `${item.quality} picture`),
    mark(item),
  );
  open.append(picture(item, `Candidate ${item.rank}, ${item.camera}`), text);
  made.append(open);
  return [made, open];
}

// A text, several in lines of their own, or nothing for what was decided.
function cellOf(told, item) {
  if (told === null) return mark(item);
  if (!Array.isArray(told)) return told;
  const made = element("span", "sl-lines");
  made.append(...told.map((line) => element("span", "", line)));
  return made;
}

function tableRow(item) {
  const made = element("tr");
  const open = element("button", "sl-row-open", String(item.rank));
  open.type = "button";
  open.setAttribute("aria-label", item.does);
  for (const content of [open, picture(item, ""), ...item.cells.map((told) => cellOf(told, item))]) {
    const cell = element("td");
    cell.append(content);
    made.append(cell);
  }
  return [made, open];
}

function render({ model, el }) {
  const entries = new Map();  // by id the element and its button

  const point = () => {
    for (const [id, [made, open]] of entries) {
      const chosen = id === model.get("selected");
      made.classList.toggle("sl-selected", chosen);
      if (chosen) open.setAttribute("aria-current", "true");
      else open.removeAttribute("aria-current");
    }
  };

  const draw = () => {
    const focused = [...entries].find(([, [, open]]) => open === document.activeElement)?.[0];
    entries.clear();
    const items = model.get("items"), table = model.get("table");
    const holder = element(table ? "tbody" : "ol", table ? "" : "sl-grid");
    for (const item of items) {
      const [made, open] = table ? tableRow(item) : card(item);
      open.addEventListener("click", () => model.send({ open: item.id }));
      if (table) made.addEventListener("click", (event) => {
        if (event.target !== open) model.send({ open: item.id });
      });
      entries.set(item.id, [made, open]);
      holder.append(made);
    }
    let whole = holder;
    if (table) {
      whole = element("div", "sl-scroll");
      whole.tabIndex = 0;
      whole.setAttribute("role", "region");
      whole.setAttribute("aria-label", model.get("name"));
      const head = element("tr");
      for (const name of model.get("columns")) {
        const cell = element("th", "", name);
        cell.scope = "col";
        head.append(cell);
      }
      const top = element("thead");
      top.append(head);
      const body = element("table", "sl-table");
      body.append(top, holder);
      whole.append(body);
    }
    el.replaceChildren(whole);
    point();
    if (focused) entries.get(focused)?.[1].focus();
  };

  // Arrows go from card to card, as in a list.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const walk = (event) => {
    const by = steps[event.key];
    const buttons = [...entries.values()].map(([, open]) => open);
    const at = buttons.indexOf(event.target);
    if (!by || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[at + by]?.focus();
  };
  el.addEventListener("keydown", walk);
  const back = (message) => {
    if (message.focus) entries.get(message.focus)?.[1].focus();
  };

  model.on("change:items change:table", draw);
  model.on("change:selected", point);
  model.on("msg:custom", back);
  draw();
  return () => {
    model.off("change:items change:table", draw);
    model.off("change:selected", point);
    model.off("msg:custom", back);
  };
}
export default { render };
