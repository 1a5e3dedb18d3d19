// Candidates as cards or as rows. Every text comes as text and is set as text. What is chosen goes
// to Python, which alone says what is shown as chosen.

/**
 * A candidate or a sighting as Python sends it; only what a card shows has all of these.
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {number | string} rank What a row is opened by.
 * @property {string} [picture] Address of the image, a `data:` URI; a row may have none.
 * @property {string} does What its button does.
 * @property {Cell[]} cells What its row shows after its rank and picture.
 * @property {string} score
 * @property {string} camera
 * @property {string} camera_id
 * @property {string} [note] What its time rests on, if it is corrected or uncertain.
 * @property {string} clock
 * @property {string} day
 * @property {string} timing That its time is corrected or uncertain, or empty.
 * @property {string} quality
 * @property {string} verdict
 * @property {string} opinion
 * @property {string} mark
 */
/** @typedef {string | string[] | null} Cell A text, lines, or null for the opinion. */
/**
 * @typedef {object} Traits
 * @property {Item[]} items
 * @property {boolean} table
 * @property {string[]} columns
 * @property {string} name
 * @property {string} selected
 */
/** @typedef {WidgetModel<Traits, { open: string }, { focus?: string }>} Model */
/** @typedef {{ root: HTMLElement, button: HTMLButtonElement }} Entry A card or a row. */

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [classes]
 * @param {string} [text]
 */
function createElement(tag, classes = "", text = "") {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  return element;
}

/**
 * @param {Item} item
 * @param {string} alt
 */
function createPicture(item, alt) {
  const image = createElement("img");
  image.src = item.picture ?? "";
  image.alt = alt;
  image.decoding = "async";
  return image;
}

/** @param {Item} item */
function createTiming(item) {
  const timing = createElement("span", "sl-timing", item.timing);
  timing.title = item.note ?? "";
  return timing;
}

/** @param {Item} item */
function createOpinion(item) {
  const opinion = createElement("span", `sl-verdict sl-verdict-${item.verdict}`);
  if (item.verdict) opinion.textContent = `${item.mark} ${item.opinion}`;
  return opinion;
}

/**
 * @param {Item} item
 * @returns {Entry}
 */
function createCard(item) {
  const root = createElement("li", "sl-card");
  const button = createElement("button", "sl-card-open");
  button.type = "button";
  const text = createElement("span", "sl-card-text");
  const score = createElement("span", "sl-score");
  score.append(createElement("small", "", "score "), item.score);
  text.append(
    createElement("span", "sl-rank", String(item.rank)),
    score,
    Object.assign(createElement("strong", "", item.camera), { title: item.camera }),
    createElement("span", "sl-hint", item.camera_id),
    createElement("span", "", item.clock),
    createElement("span", "sl-hint", item.day),
    ...(item.timing ? [createTiming(item)] : []),
    createElement("span", "sl-hint", `${item.quality} picture`),
    createOpinion(item),
  );
  button.append(createPicture(item, `Candidate ${item.rank}, ${item.camera}`), text);
  root.append(button);
  return { root, button };
}

/**
 * @param {Cell} cell
 * @param {Item} item
 */
function cellContent(cell, item) {
  if (cell === null) return createOpinion(item);
  if (!Array.isArray(cell)) return cell;
  const lines = createElement("span", "sl-lines");
  lines.append(...cell.map((line) => createElement("span", "", line)));
  return lines;
}

/**
 * @param {Item} item
 * @returns {Entry}
 */
function createRow(item) {
  const root = createElement("tr");
  root.title = item.note ?? "";
  const button = createElement("button", "sl-row-open", String(item.rank));
  button.type = "button";
  button.setAttribute("aria-label", item.does);
  const contents = item.cells.map((cell) => cellContent(cell, item));
  const picture = item.picture ? [createPicture(item, "")] : [];
  for (const content of [button, ...picture, ...contents]) {
    const cell = createElement("td");
    cell.append(content);
    root.append(cell);
  }
  return { root, button };
}

/**
 * A table with a head, in a region that scrolls.
 *
 * @param {HTMLElement} rows
 * @param {string[]} columns
 * @param {string} name
 */
function createTable(rows, columns, name) {
  const region = createElement("div", "sl-scroll");
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", name);
  const headRow = createElement("tr");
  for (const column of columns) {
    const cell = createElement("th", "", column);
    cell.scope = "col";
    headRow.append(cell);
  }
  const head = createElement("thead");
  head.append(headRow);
  const table = createElement("table", "sl-table");
  table.append(head, rows);
  region.append(table);
  return region;
}

/**
 * Arrows go from card to card, as in a list.
 *
 * @param {KeyboardEvent} event
 * @param {HTMLButtonElement[]} buttons
 */
function moveFocus(event, buttons) {
  const step = STEPS[event.key];
  const index = buttons.findIndex((button) => button === event.target);
  if (!step || index === -1 || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[index + step]?.focus();
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  /** @type {Map<string, Entry>} By id. */
  const entries = new Map();

  const showSelected = () => {
    for (const [id, { root, button }] of entries) {
      const selected = id === model.get("selected");
      root.classList.toggle("sl-selected", selected);
      if (selected) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };

  const draw = () => {
    const focused = [...entries].find(([, { button }]) => button === document.activeElement)?.[0];
    entries.clear();
    const table = model.get("table");
    const holder = table ? createElement("tbody") : createElement("ol", "sl-grid");
    for (const item of model.get("items")) {
      const entry = table ? createRow(item) : createCard(item);
      const open = () => model.send({ open: item.id });
      entry.button.addEventListener("click", open);
      if (table) entry.root.addEventListener("click", (event) => {
        if (event.target !== entry.button) open();
      });
      entries.set(item.id, entry);
      holder.append(entry.root);
    }
    el.replaceChildren(
      table ? createTable(holder, model.get("columns"), model.get("name")) : holder);
    showSelected();
    if (focused) entries.get(focused)?.button.focus();
  };

  el.addEventListener("keydown", (event) => {
    moveFocus(event, [...entries.values()].map(({ button }) => button));
  });
  /** @param {{ focus?: string }} message */
  const focus = (message) => {
    if (message.focus) entries.get(message.focus)?.button.focus();
  };

  model.on("change:items", draw);
  model.on("change:table", draw);
  model.on("change:selected", showSelected);
  model.on("msg:custom", focus);
  draw();
  return () => {
    model.off("change:items", draw);
    model.off("change:table", draw);
    model.off("change:selected", showSelected);
    model.off("msg:custom", focus);
  };
}
export default { render };
