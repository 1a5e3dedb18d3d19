// The sheet of a decision. What is typed and pressed stays here until it is recorded, for each face
// by itself. Texts are set as text.

/** @typedef {"similar" | "different" | "not visible"} Seen */
/**
 * @typedef {object} Traits
 * @property {string} face Which face is decided on; empty for none.
 * @property {string[]} features
 * @property {string[]} conclusions In the order of the scale, the last one that it is not suitable.
 * @property {number} least How many features must be compared.
 * @property {number} longest How many characters a reason can have.
 * @property {Record<string, string>} problems By field.
 */
/** @typedef {{ features: Record<string, Seen>, conclusion: string, reason: string, at: number }} Draft */
/** @typedef {{ step: number } | { face: string } & Omit<Draft, "at">} Message */
/** @typedef {WidgetModel<Traits, Message>} Model */

/** @type {[Seen, string, string][]} */
const SEEN = [["similar", "Similar", "s"], ["different", "Different", "d"],
  ["not visible", "Not visible", "n"]];
const COLUMNS = 2;  // of features

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [classes]
 * @param {string} [text]
 * @param {Record<string, string>} [attributes]
 */
function createElement(tag, classes = "", text = "", attributes = {}) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * @param {string} text
 * @param {string} key
 * @param {() => void} onClick
 * @param {string} [classes]
 */
function createButton(text, key, onClick, classes = "sl-button") {
  const button = createElement("button", classes, text);
  button.type = "button";
  if (key) button.append(createElement("kbd", "", key));
  button.addEventListener("click", onClick);
  return button;
}

/** @param {string} text */
const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @returns {Draft} */
const createDraft = () => ({ features: {}, conclusion: "", reason: "", at: 0 });

/**
 * The list of features: one of them is the present one, to which the keys apply.
 *
 * @param {string[]} names
 * @param {(at: number, seen: Seen | null) => void} onNote
 * @param {(at: number) => void} onEnter
 */
function createFeatures(names, onNote, onEnter) {
  const root = createElement("div", "sl-features");
  const perColumn = Math.ceil(names.length / COLUMNS);
  root.style.setProperty("--rows", String(perColumn + 1));
  const rows = names.map((name, at) => {
    if (at % perColumn === 0) {
      const head = createElement("div", "sl-feature sl-feature-head", "", { "aria-hidden": "true" });
      head.append(createElement("span"), ...SEEN.map(([, text]) => createElement("span", "", text)));
      root.append(head);
    }
    const row = createElement("div", "sl-feature", "", { role: "group" });
    row.append(createElement("span", "", capitalised(name)));
    const buttons = SEEN.map(([seen, text]) => {
      const button = createButton("", "", () => {
        onNote(at, button.getAttribute("aria-pressed") === "true" ? null : seen);
        row.focus({ preventScroll: true });
      }, "sl-seen");
      button.tabIndex = -1;  // the keys of the row do the same
      button.setAttribute("aria-label", `${capitalised(name)}: ${text.toLowerCase()}`);
      row.append(button);
      return { seen, button };
    });
    row.addEventListener("focus", () => onEnter(at));
    root.append(row);
    return { name, row, buttons };
  });
  /** @param {Draft} draft */
  const show = (draft) => {
    rows.forEach(({ name, row, buttons }, at) => {
      const seen = draft.features[name];
      row.setAttribute("aria-label", `${capitalised(name)}: ${seen ?? "not looked at"}`);
      row.tabIndex = at === draft.at ? 0 : -1;
      row.classList.toggle("sl-present", at === draft.at);
      for (const one of buttons) {
        one.button.setAttribute("aria-pressed", String(one.seen === seen));
      }
    });
  };
  /** @param {number} at */
  const focus = (at) => rows[at]?.row.focus({ preventScroll: true });
  return { root, show, focus, perColumn };
}

/**
 * The conclusions as buttons in the order of the scale.
 *
 * @param {string[]} conclusions
 * @param {(words: string) => void} onChoose
 */
function createConclusions(conclusions, onChoose) {
  const root = createElement("div", "sl-scale", "", { role: "group", "aria-label": "Conclusion" });
  const buttons = conclusions.map((words, at) => {
    const last = at === conclusions.length - 1;
    const short = /^not? /.test(words) ? words.split(" ").slice(0, 2) : words.split(" ").slice(0, 1);
    const button = createButton(
      capitalised(short.join(" ")), last ? "X" : String(at + 1), () => onChoose(words));
    button.title = capitalised(words);
    button.setAttribute("aria-label", capitalised(words));
    root.append(button);
    return { words, button };
  });
  const ends = createElement("div", "sl-ends", "", { "aria-hidden": "true" });
  ends.append(
    createElement("span", "", "← different people"), createElement("span", "", "same person →"));
  /** @param {Draft} draft */
  const show = (draft) => {
    for (const { words, button } of buttons) {
      button.setAttribute("aria-pressed", String(words === draft.conclusion));
    }
  };
  return { root, ends, show };
}

/**
 * A part of the sheet with its title and what it lacks.
 *
 * @param {string} title
 * @param {HTMLElement[]} content
 */
function createPart(title, content) {
  const root = createElement("section", "sl-sheet-part");
  const head = createElement("div", "sl-sheet-title");
  const hint = createElement("span", "sl-hint", "", { role: "status" });
  const problem = createElement("span", "sl-sheet-problem", "", { role: "alert" });
  if (title) head.append(createElement("h3", "", title));
  head.append(hint, problem);
  root.append(...(title ? [head, ...content] : [...content, head]));
  /** @param {string | undefined} text */
  const complain = (text) => {
    problem.textContent = text ?? "";
    hint.hidden = Boolean(text);
  };
  return { root, hint, complain };
}

/**
 * What a key stands for. Whoever writes or chooses in a list goes on doing so.
 *
 * @param {KeyboardEvent} event
 * @param {string[]} conclusions
 * @returns {{ note: Seen | null } | { move: number } | { column: true } | { conclude: string }
 *   | { step: number } | { act: "reason" | "record" | "features" } | undefined}
 */
function commandOf(event, conclusions) {
  const at = event.target instanceof Element ? event.target : null;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return { act: "record" };
  if (event.key === "Escape" && at?.matches("textarea")) return { act: "features" };
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  if (at?.matches("textarea, select, input:not([type='range'])")) return undefined;
  const slider = Boolean(at?.matches("input"));
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const seen = SEEN.find(([, , letter]) => letter === key);
  if (seen) return { note: seen[0] };
  if (key === "Backspace" || key === "Delete") return { note: null };
  if (key === "r") return { act: "reason" };
  if (key === "x") return { conclude: conclusions[conclusions.length - 1] };
  if (/^[1-9]$/.test(key) && Number(key) < conclusions.length) {
    return { conclude: conclusions[Number(key) - 1] };
  }
  if (slider) return undefined;
  if (key === "ArrowDown") return { move: 1 };
  if (key === "ArrowUp") return { move: -1 };
  if (key === "ArrowRight") return { step: 1 };
  if (key === "ArrowLeft") return { step: -1 };
  return undefined;
}

/**
 * All parts of the sheet, in the order of the work.
 *
 * @param {Model} model
 */
function createSheet(model) {
  const root = createElement("div", "sl-sheet", "", {
    role: "group", "aria-label": "Decision on this face" });
  /** @type {Map<string, Draft>} */
  const drafts = new Map();
  const draft = () => {
    const face = model.get("face");
    const known = drafts.get(face) ?? createDraft();
    drafts.set(face, known);
    return known;
  };
  const names = model.get("features");
  const features = createFeatures(names, (at, seen) => note(at, seen), (at) => enter(at));
  const conclusions = createConclusions(model.get("conclusions"), (words) => conclude(words));
  const reason = createElement("textarea", "", "", {
    rows: "2", maxlength: String(model.get("longest")), "aria-label": "Reason",
    placeholder: "What the conclusion rests on, in a sentence" });
  const record = createButton("Record the decision", "Ctrl+Enter", () => send(),
    "sl-button sl-record");
  const parts = {
    features: createPart("Features", [features.root]),
    conclusion: createPart("Conclusion", [conclusions.ends, conclusions.root]),
    reason: createPart("Reason", [reason]),
    decision: createPart("", [record]),
  };
  const keys = "Keys: ↑ ↓ S D N ⌫ features, 1 to 7 and X conclusion, R reason, Esc leaves it, "
    + "← → other faces";
  root.append(...Object.values(parts).map((part) => part.root), createElement("p", "sl-hint", keys));

  const show = () => {
    const now = draft();
    root.hidden = !model.get("face");
    features.show(now);
    conclusions.show(now);
    if (reason.value !== now.reason) reason.value = now.reason;
    const seen = Object.values(now.features);
    const compared = seen.filter((one) => one !== "not visible").length;
    parts.conclusion.hint.textContent = capitalised(now.conclusion) || "None chosen yet";
    parts.features.hint.textContent = `${compared} compared, ${names.length - seen.length} not `
      + `looked at; compare ${model.get("least")} at least`;
  };
  /**
   * @param {number} at
   * @param {Seen | null} seen Null for not looked at.
   */
  const note = (at, seen) => {
    const { [names[at]]: _, ...others } = draft().features;
    draft().features = seen ? { ...others, [names[at]]: seen } : others;
    draft().at = at;
    parts.features.complain("");
    show();
  };
  /** @param {number} at */
  const enter = (at) => {
    draft().at = at;
    show();
  };
  /** @param {string} words */
  const conclude = (words) => {
    draft().conclusion = words;
    parts.conclusion.complain("");
    show();
  };
  const send = () => {
    const { features: seen, conclusion, reason: words } = draft();
    const face = model.get("face");
    if (face) model.send({ face, features: seen, conclusion, reason: words });
  };
  const complain = () => {
    const problems = model.get("problems");
    for (const [field, part] of Object.entries(parts)) part.complain(problems[field]);
  };
  reason.addEventListener("input", () => {
    draft().reason = reason.value;
    parts.reason.complain("");
  });
  return { root, draft, names, features, reason, show, note, enter, conclude, send, complain };
}

/** @typedef {ReturnType<typeof createSheet>} Sheet */
/**
 * Do what a key stands for.
 *
 * @param {Sheet} sheet
 * @param {Model} model
 * @param {NonNullable<ReturnType<typeof commandOf>>} command
 * @param {boolean} inSheet Whether the focus is in the sheet, which it then follows.
 */
function obey(sheet, model, command, inSheet) {
  const last = sheet.names.length - 1, at = sheet.draft().at;
  /** @param {number} to */
  const go = (to) => {
    sheet.enter(Math.min(Math.max(to, 0), last));
    if (inSheet) sheet.features.focus(sheet.draft().at);
  };
  if ("note" in command) {
    sheet.note(at, command.note);
    if (command.note) go(at + 1);
  } else if ("move" in command) {
    go(at + command.move);
  } else if ("conclude" in command) {
    sheet.conclude(command.conclude);
  } else if ("step" in command) {
    model.send({ step: command.step });
  } else if ("act" in command) {
    if (command.act === "reason") sheet.reason.focus();
    if (command.act === "features") sheet.features.focus(at);
    if (command.act === "record") sheet.send();
  }
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  const sheet = createSheet(model);
  el.append(sheet.root);

  // The keys work wherever the focus is on the page, and where it is lost.
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    const at = event.target;
    const page = el.closest(".sl-review");
    const ours = at === document.body || (at instanceof Node && Boolean(page?.contains(at)));
    if (!ours || sheet.root.hidden || event.defaultPrevented) return;
    const command = commandOf(event, model.get("conclusions"));
    if (!command) return;
    event.preventDefault();
    // A key that is held down moves, and does nothing else.
    if (event.repeat && !("move" in command)) return;
    obey(sheet, model, command, at === document.body || sheet.root.contains(/** @type {Node} */ (at)));
  };
  const change = () => {
    const focused = el.contains(document.activeElement) || document.activeElement === document.body;
    sheet.show();
    if (focused && !sheet.root.hidden) sheet.features.focus(sheet.draft().at);
  };
  document.addEventListener("keydown", press);
  model.on("change:face", change);
  model.on("change:problems", sheet.complain);
  sheet.show();
  sheet.complain();
  return () => {
    document.removeEventListener("keydown", press);
    model.off("change:face", change);
    model.off("change:problems", sheet.complain);
  };
}
export default { render };
