// Candidates as cards or as rows. Every text comes as text and is set as text. What is chosen goes
// to Python, which alone says what is shown as chosen.

/**
 * A candidate or a sighting as Python sends it; only what a card shows has all of these.
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {number | string} rank What a row is opened by.
 * @property {string} [picture] Address of the image: see media.js. A row may have none.
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
 * @property {boolean} [seen] Whether it has been compared since the search.
 * @property {number} [noted] How many notes about it stand.
 */
/** @typedef {string | string[] | null} Cell A text, lines, or null for the opinion. */
/**
 * @typedef {object} Traits
 * @property {Item[]} items
 * @property {boolean} table
 * @property {string[]} columns
 * @property {string} name
 * @property {string} selected
 * @property {boolean} sorting Whether cards are chosen and sorted with keys, and show their shots.
 * @property {string[]} chosen Ids of those that are chosen together.
 */
/** @typedef {{ focus?: string, strip?: string, shots?: string[], clip?: string, source?: string, from?: number, problem?: string }} Answer */
/** @typedef {{ open: string } | { verdict: string, id: string } | { choose: string } | { strip: string } | { clip: string } | { turn: number } | { undo: true }} Message */
/** @typedef {WidgetModel<Traits, Message, Answer>} Model */
/** @typedef {{ root: HTMLElement, button: HTMLButtonElement }} Entry A card or a row. */

const LONGEST_WORD = 24;  // letters; what is longer, such as a path, may be broken anywhere
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
/** @type {Record<string, string>} */
const VERDICTS = { s: "same", n: "different", u: "unsure" };
const PAUSE_MS = 180;  // over a card, before its shots are asked for

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
  if (item.noted) text.append(createElement("span", "sl-hint", `✎ ${item.noted} noted`));
  if (item.seen && !item.verdict) text.append(createElement("span", "sl-seen sl-hint", "seen"));
  button.append(createPicture(item, `Candidate ${item.rank}, ${item.camera}`), text);
  root.append(button);
  return { root, button };
}

/**
 * A text in which no word is broken, not at a hyphen either; what is longer, such as a path, may be.
 *
 * @param {string} text
 */
function createUnbroken(text) {
  const line = createElement("span");
  for (const word of text.split(/(\s+)/)) {
    line.append(word.length > LONGEST_WORD ? createElement("span", "sl-long", word)
      : word.includes("-") ? createElement("span", "sl-word", word) : word);
  }
  return line;
}

/**
 * @param {Cell} cell
 * @param {Item} item
 */
function cellContent(cell, item) {
  if (cell === null) return createOpinion(item);
  if (!Array.isArray(cell)) return createUnbroken(cell);
  const lines = createElement("span", "sl-lines");
  lines.append(...cell.map(createUnbroken));
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
  // Up and down go from row to row, where several lie side by side.
  const top = buttons[0].getBoundingClientRect().top;
  const across = buttons.filter((one) => one.getBoundingClientRect().top === top).length;
  const by = event.key === "ArrowUp" || event.key === "ArrowDown" ? step * across : step;
  buttons[index + by]?.focus();
}

/**
 * What a key asks of the candidate that has the focus.
 *
 * @param {KeyboardEvent} event
 * @param {string} id
 * @returns {Message | undefined}
 */
function messageOf(event, id) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return undefined;
  const key = event.key.toLowerCase();
  if (VERDICTS[key]) return { verdict: VERDICTS[key], id };
  if (key === "x") return { choose: id };
  if (key === "p") return { clip: id };
  if (key === "z") return { undo: true };
  if (key === "pagedown") return { turn: 1 };
  if (key === "pageup") return { turn: -1 };
  return undefined;
}

/**
 * The box that chooses a card together with others.
 *
 * @param {Item} item
 * @param {() => void} onChoose
 */
function createChooser(item, onChoose) {
  const label = createElement("label", "sl-chooser");
  const input = createElement("input");
  input.type = "checkbox";
  input.setAttribute("aria-label", `Choose candidate ${item.rank}`);
  input.addEventListener("change", onChoose);
  label.append(input);
  return { label, input };
}

/**
 * The stored shots of a card that the mouse or the keyboard is at, over its picture.
 *
 * @param {Model} model
 * @param {Map<string, Entry>} entries
 */
function createFilmstrip(model, entries) {
  /** @type {Map<string, string[]>} Addresses of data by id, as they came. */
  const known = new Map();
  let timer = 0, wanted = "";
  const strip = createElement("span", "sl-filmstrip");
  const draw = () => {
    const shots = known.get(wanted) ?? [];
    strip.replaceChildren(...shots.map((source) => {
      const image = createElement("img");
      [image.src, image.alt] = [source, ""];
      return image;
    }));
    const button = entries.get(wanted)?.button;
    if (button && shots.length > 1) button.append(strip);
    else strip.remove();
  };
  /** @param {string} id Empty to show none. */
  const show = (id) => {
    clearTimeout(timer);
    wanted = id;
    draw();
    if (id && !known.has(id)) timer = setTimeout(() => model.send({ strip: id }), PAUSE_MS);
  };
  /** @param {Answer} answer */
  const receive = ({ strip: id, shots }) => {
    if (id && shots) known.set(id, shots);
    if (id === wanted) draw();
  };
  return { show, receive };
}

/**
 * The seconds around a candidate, played in its card, which is as wide as the grid meanwhile.
 *
 * @param {Model} model
 * @param {Map<string, Entry>} entries
 */
function createCardPlayer(model, entries) {
  const root = createElement("div", "sl-card-film");
  const words = createElement("p", "sl-hint");
  const close = createElement("button", "sl-button", "Close the clip");
  close.type = "button";
  words.setAttribute("role", "status");
  let shown = "";
  /** @type {HTMLVideoElement | null} */
  let video = null;
  const place = () => {
    for (const [id, entry] of entries) entry.root.classList.toggle("sl-playing", id === shown);
    const entry = entries.get(shown);
    if (!entry) return root.remove();
    entry.root.append(root);
    video?.play().catch(() => {});  // it was taken off the page, or never loaded
  };
  /** @param {string} id */
  const request = (id) => {
    const entry = entries.get(id);
    if (model.get("table") || !entry) return;
    if (entry.root.contains(document.activeElement)) entry.button.focus();  // what asked is hidden
    shown = id;
    video = null;
    words.textContent = "Cutting the clip…";
    root.replaceChildren(words);
    place();
    model.send({ clip: id });
  };
  const end = () => {
    const button = root.contains(document.activeElement) && entries.get(shown)?.button;
    shown = "";
    video = null;
    place();
    if (button) button.focus();
  };
  /** @param {Answer} answer */
  const receive = ({ clip, source, from = 0, problem }) => {
    if (!clip || clip !== shown) return;
    words.textContent = problem
      ?? "Only this face is sharp; everything else is pixelated on purpose. This is on record.";
    root.replaceChildren(words, close);
    if (!source) return;
    const film = video = createElement("video");
    Object.assign(film, { src: source, controls: true, muted: true, loop: true });
    film.setAttribute("aria-label", "The seconds around the candidate; everyone else is pixelated");
    film.addEventListener("loadedmetadata", () => {
      film.currentTime = Math.min(from, Math.max(0, film.duration - 0.1));
      film.play().catch(() => {});  // where the browser lets no film begin by itself
      root.scrollIntoView({ block: "nearest" });
    }, { once: true });
    root.prepend(film);
  };
  close.addEventListener("click", end);
  return { request, place, receive };
}

/**
 * @param {Model} model
 * @param {Item} item
 * @param {Entry} entry
 */
function openOnClick(model, item, { root, button }) {
  const open = () => model.send({ open: item.id });
  button.addEventListener("click", open);
  if (model.get("table")) root.addEventListener("click", (event) => {
    if (event.target !== button) open();
  });
}

/**
 * What a card has where candidates are sorted: a box to choose it, its shots and its clip.
 *
 * @param {Model} model
 * @param {Item} item
 * @param {Entry} entry
 * @param {{ show: (id: string) => void }} film
 * @param {{ request: (id: string) => void }} player
 */
function addTools(model, item, { root, button }, film, player) {
  const { label, input } = createChooser(item, () => model.send({ choose: item.id }));
  const play = createElement("button", "sl-play", "▶");
  play.type = "button";
  play.title = "Play the seconds around it (P)";
  play.setAttribute("aria-label", `Play the seconds around candidate ${item.rank}`);
  play.addEventListener("click", () => player.request(item.id));
  root.append(label, play);
  root.addEventListener("pointerenter", () => film.show(item.id));
  root.addEventListener("pointerleave", () => film.show(""));
  button.addEventListener("focus", () => film.show(item.id));
  return input;
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  /** @type {Map<string, Entry>} By id. */
  const entries = new Map();
  /** @type {Map<string, HTMLInputElement>} By id. */
  const choosers = new Map();
  const film = createFilmstrip(model, entries), player = createCardPlayer(model, entries);
  const buttonsInOrder = () => [...entries.values()].map(({ button }) => button);
  const showChosen = () => {
    for (const [id, input] of choosers) input.checked = model.get("chosen").includes(id);
  };

  const showSelected = () => {
    for (const [id, { root, button }] of entries) {
      const selected = id === model.get("selected");
      root.classList.toggle("sl-selected", selected);
      if (selected) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };

  const draw = () => {
    const index = buttonsInOrder().findIndex((button) => button === document.activeElement);
    const focused = [...entries.keys()][index];
    entries.clear();
    choosers.clear();
    film.show("");
    const table = model.get("table");
    const holder = table ? createElement("tbody") : createElement("ol", "sl-grid");
    for (const item of model.get("items")) {
      const entry = table ? createRow(item) : createCard(item);
      openOnClick(model, item, entry);
      entries.set(item.id, entry);
      if (model.get("sorting") && !table) {
        choosers.set(item.id, addTools(model, item, entry, film, player));
      }
      holder.append(entry.root);
    }
    el.replaceChildren(
      table ? createTable(holder, model.get("columns"), model.get("name")) : holder);
    showSelected();
    showChosen();
    player.place();
    // One that is filtered away leaves the focus to the one in its place.
    const left = buttonsInOrder();
    if (index >= 0) (entries.get(focused)?.button ?? left[Math.min(index, left.length - 1)])?.focus();
  };

  el.addEventListener("keydown", (event) => {
    moveFocus(event, buttonsInOrder());
    const at = [...entries].find(([, { button }]) => button === event.target);
    const message = model.get("sorting") && at ? messageOf(event, at[0]) : undefined;
    if (!message) return;
    event.preventDefault();
    event.stopPropagation();
    if ("clip" in message) player.request(message.clip);
    else model.send(message);
  });
  /** @param {Answer} message */
  const receive = (message) => {
    if (message.focus) entries.get(message.focus)?.button.focus();
    film.receive(message);
    player.receive(message);
  };

  model.on("change:items", draw);
  model.on("change:table", draw);
  model.on("change:selected", showSelected);
  model.on("change:chosen", showChosen);
  model.on("msg:custom", receive);
  draw();
  return () => {
    model.off("change:items", draw);
    model.off("change:table", draw);
    model.off("change:selected", showSelected);
    model.off("change:chosen", showChosen);
    model.off("msg:custom", receive);
  };
}
export default { render };
