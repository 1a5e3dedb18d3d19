// Two faces beside or over each other. What is shown stands in the model; here it is only drawn,
// and what hands do (keys, sliders) is sent to the model. Texts are set as text.

/**
 * A face as Python sends it.
 *
 * @typedef {object} Picture
 * @property {string} picture Address of the image: see media.js.
 * @property {string} name
 * @property {string} time Local time in words, or empty.
 * @property {[Place, Place] | null} eyes In pixels of the image, the one at the left first.
 */
/** @typedef {[x: number, y: number]} Place */
/** @typedef {"side" | "overlay" | "flicker"} Mode */
/** @typedef {"zoom" | "turn" | "brightness" | "contrast" | "opacity"} Adjustment */
/**
 * @typedef {object} Traits
 * @property {boolean} sorting Whether candidates are sorted and their clips made here, and the
 *   comparison can be left.
 * @property {boolean} shown
 * @property {string} title
 * @property {string} note What its time rests on, if it is corrected or uncertain.
 * @property {string} place Which candidate of how many, in words.
 * @property {Picture[]} photographs Of the target.
 * @property {Picture[]} shots Of the candidate.
 * @property {number} photograph Index of the one shown.
 * @property {number} shot Index of the one shown.
 * @property {Mode} mode
 * @property {number} zoom
 * @property {number} turn Degrees.
 * @property {number} brightness
 * @property {number} contrast
 * @property {number} opacity
 * @property {string} alignment
 * @property {string} verdict
 * @property {string} standing
 * @property {string} status
 * @property {string} problem
 * @property {string} clip Address of an MP4 file, or empty: see media.js.
 * @property {number} clip_from Seconds into it at which the best shot is.
 * @property {string} clip_hint
 * @property {string} clip_problem
 * @property {boolean} cutting
 */
/** @typedef {{ step: 1 | -1 } | { verdict: string } | { [command in "close" | "undo" | "reset" | "clip"]?: true }} Command */
/** @typedef {WidgetModel<Traits, Command, { focus?: boolean }>} Model */
/** @typedef {(command: Command) => void} Send */

const STAGE = 260;  // CSS pixels, both sides of a stage
const EYES = { x: 0.37, y: 0.42 };  // where the eye at the left goes, as a share of the stage
const FLICKER_MS = 600;
/** @type {Record<string, string>} */
const VERDICTS = { s: "same", 1: "same", n: "different", 2: "different", u: "unsure", 3: "unsure" };
const MODES = /** @type {const} */ ([
  ["side", "Side by side"], ["overlay", "Overlay"], ["flicker", "Flicker"]]);
const PICTURE_TRAITS = /** @type {const} */ (["photographs", "shots", "photograph", "shot"]);
const VIEW_TRAITS = /** @type {const} */ ([
  "mode", "zoom", "turn", "brightness", "contrast", "opacity"]);
const TEXT_TRAITS = /** @type {const} */ ([
  "shown", "title", "note", "place", "alignment", "status", "standing", "verdict", "problem", "clip_hint",
  "clip_problem", "cutting"]);

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
 * @param {() => void} onClick
 * @param {string} [classes]
 */
function createButton(text, onClick, classes = "sl-button") {
  const button = createElement("button", classes, text);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)}%`;
}

/**
 * The similarity transform that brings an image into its stage: its eyes to where all eyes go, or
 * as large as it fits.
 *
 * @param {HTMLImageElement} image
 * @param {[Place, Place] | null} eyes
 * @returns {[a: number, b: number, e: number, f: number]} Of the matrix (a -b e; b a f).
 */
function stageTransform(image, eyes) {
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!eyes) {
    const a = STAGE / Math.max(width, height, 1);
    return [a, 0, (STAGE - a * width) / 2, (STAGE - a * height) / 2];
  }
  const [[lx, ly], [rx, ry]] = eyes;
  const dx = rx - lx, dy = ry - ly, wanted = STAGE * (1 - 2 * EYES.x);
  const square = dx * dx + dy * dy;
  const a = (wanted * dx) / square, b = (-wanted * dy) / square;
  return [a, b, STAGE * EYES.x - (a * lx - b * ly), STAGE * EYES.y - (b * lx + a * ly)];
}

/**
 * Which face is compared, how to go on to the next, and to leave.
 *
 * @param {Send} send
 * @param {boolean} sorting
 */
function createHeader(send, sorting) {
  const root = createElement("div", "sl-compare-row");
  const title = createElement("h3"), place = createElement("span", "sl-hint");
  const note = createElement("span", "sl-timing");
  root.append(title, place, note);
  root.append(
    createButton("← Previous", () => send({ step: -1 })),
    createButton("Next →", () => send({ step: 1 })),
  );
  if (sorting) root.append(createButton("Close (Esc)", () => send({ close: true })));
  return { root, title, place, note };
}

/** @typedef {ReturnType<typeof createStage>} Stage */
/**
 * @param {"target" | "candidate"} name
 * @param {() => void} onLoad
 */
function createStage(name, onLoad) {
  const figure = createElement("figure", `sl-figure sl-figure-${name}`);
  const frame = createElement("div", "sl-stage"), image = createElement("img");
  const caption = createElement("figcaption");
  image.addEventListener("load", onLoad);
  frame.append(image);
  figure.append(frame, caption);
  return { figure, frame, image, caption };
}

/**
 * @param {Stage} stage
 * @param {Picture | undefined} picture
 */
function showPicture({ image, caption }, picture) {
  const address = picture?.picture ?? "";
  if (image.dataset.address !== address) image.src = image.dataset.address = address;
  image.alt = picture ? picture.name : "";
  caption.textContent = picture ? `${picture.name}${picture.time ? `, ${picture.time}` : ""}` : "";
}

/** @param {(mode: Mode) => void} onChange */
function createModeSwitch(onChange) {
  const root = createElement("div", "sl-compare-row", "", {
    role: "group", "aria-label": "How the two are shown" });
  const buttons = MODES.map(([mode, text]) => {
    const button = createButton(text, () => onChange(mode));
    root.append(button);
    return { mode, button };
  });
  /** @param {Mode} current */
  const show = (current) => {
    for (const { mode, button } of buttons) {
      button.setAttribute("aria-pressed", String(mode === current));
    }
  };
  return { root, show };
}

/**
 * @param {string} text
 * @param {[low: number, high: number, step: number]} range
 * @param {(value: number) => string} format
 * @param {(value: number) => void} onInput
 */
function createSlider(text, [low, high, step], format, onInput) {
  const root = createElement("label", "sl-slider"), input = createElement("input");
  const output = createElement("output");
  input.type = "range";
  [input.min, input.max, input.step] = [String(low), String(high), String(step)];
  input.addEventListener("input", () => onInput(Number(input.value)));
  root.append(createElement("span", "", text), input, output);
  /** @param {number} value */
  const show = (value) => {
    input.value = String(value);
    output.textContent = format(value);
  };
  return { root, show };
}

/**
 * How the two are shown: mode, zoom, rotation, light.
 *
 * @param {object} actions
 * @param {(mode: Mode) => void} actions.onMode
 * @param {(name: Adjustment, value: number) => void} actions.onAdjust
 * @param {Send} actions.send
 */
function createControls({ onMode, onAdjust, send }) {
  /**
   * @param {Adjustment} name
   * @param {string} text
   * @param {[low: number, high: number, step: number]} range
   * @param {(value: number) => string} format
   */
  const slider = (name, text, range, format) => (
    { name, ...createSlider(text, range, format, (value) => onAdjust(name, value)) });
  const sliders = [
    slider("zoom", "Zoom", [1, 6, 0.1], (x) => `${x.toFixed(1)} ×`),
    slider("turn", "Rotate", [-180, 180, 1], (x) => `${x}°`),
    slider("brightness", "Brightness", [0.4, 2.5, 0.05], percent),
    slider("contrast", "Contrast", [0.4, 2.5, 0.05], percent),
    slider("opacity", "Overlay", [0, 1, 0.05], percent),
  ];
  const modes = createModeSwitch(onMode);
  const alignment = createElement("p", "sl-hint sl-aligned", "", { role: "status" });
  const root = createElement("div", "sl-controls");
  root.append(
    modes.root,
    ...sliders.map((one) => one.root),
    createButton("Reset the view", () => send({ reset: true })),
    alignment,
  );
  /** @param {Model} model */
  const show = (model) => {
    const mode = model.get("mode");
    modes.show(mode);
    for (const one of sliders) {
      one.show(model.get(one.name));
      one.root.hidden = one.name === "opacity" && mode !== "overlay";
    }
  };
  return { root, alignment, show };
}

/**
 * The buttons that record an opinion, and what is on record.
 *
 * @param {Send} send
 */
function createDecision(send) {
  const root = createElement("div", "sl-compare-row sl-decide");
  const verdicts = [["same", "✓ Same", "S or 1"], ["different", "✗ Not same", "N or 2"],
    ["unsure", "? Unsure", "U or 3"]].map(([verdict, text, key]) => {
    const button = createButton(text, () => send({ verdict }), `sl-button sl-decide-${verdict}`);
    button.append(createElement("kbd", "", key));
    root.append(button);
    return { verdict, button };
  });
  const undo = createButton("Undo", () => send({ undo: true }));
  undo.append(createElement("kbd", "", "Z"));
  const standing = createElement("span");
  const status = createElement("span", "sl-hint", "", { role: "status" });
  root.append(undo, standing, status);
  /** @param {Model} model */
  const show = (model) => {
    const current = model.get("verdict");
    status.textContent = model.get("status");
    standing.textContent = model.get("standing");
    standing.className = `sl-verdict sl-verdict-${current}`;
    for (const { verdict, button } of verdicts) {
      button.setAttribute("aria-pressed", String(verdict === current));
    }
  };
  return { root, show };
}

/**
 * A row of small pictures, one of which is chosen; hidden where there is no choice.
 *
 * @param {string} text
 * @param {(index: number) => void} onChoose
 */
function createThumbnails(text, onChoose) {
  const root = createElement("div", "sl-strip");
  const list = createElement("div", "sl-thumbs", "", { role: "group", "aria-label": text });
  root.append(createElement("span", "sl-hint", text), list);
  /**
   * @param {Picture[]} pictures
   * @param {number} chosen
   */
  const show = (pictures, chosen) => {
    const focused = [...list.children].findIndex((child) => child === document.activeElement);
    const buttons = pictures.map((picture, index) => {
      const button = createButton("", () => onChoose(index), "sl-thumb");
      const image = createElement("img");
      image.src = picture.picture;
      image.alt = "";
      button.append(image, createElement("span", "", picture.name));
      button.setAttribute("aria-pressed", String(index === chosen));
      return button;
    });
    list.replaceChildren(...buttons);
    if (focused !== -1) buttons[focused]?.focus();
    root.hidden = pictures.length < 2;
  };
  return { root, show };
}

/**
 * The video around the candidate, made when it is asked for.
 *
 * @param {Send} send
 */
function createClipPlayer(send) {
  const root = createElement("div", "sl-film");
  const hint = createElement("span", "sl-hint", "", { role: "status" });
  const request = createButton("Show the seconds around it", () => {
    if (request.getAttribute("aria-disabled") !== "true") send({ clip: true });
  });
  const problem = createElement("div", "sl-film-problem", "", { role: "alert" });
  root.append(request, hint, problem);
  /**
   * @param {string} clip
   * @param {number} from Seconds at which it shows the best shot.
   */
  const play = (clip, from) => {
    // Who pressed the button goes on with the keys of the panel, or the film's own with Tab.
    const focused = root.contains(document.activeElement);
    root.querySelector("video")?.remove();
    request.hidden = Boolean(clip);
    const panel = focused && root.closest(".sl-comparing");
    if (panel instanceof HTMLElement) panel.focus({ preventScroll: true });
    if (!clip) return;
    const video = createElement("video");
    Object.assign(video, { src: clip, controls: true, muted: true, loop: true });
    video.setAttribute("aria-label", "The seconds around the candidate; everyone else is pixelated");
    video.addEventListener("loadedmetadata", () => {
      video.currentTime = Math.min(from, Math.max(0, video.duration - 0.1));
      video.scrollIntoView({ block: "nearest" });
    }, { once: true });
    root.prepend(video);
  };
  /** @param {Model} model */
  const show = (model) => {
    showMessage(problem, model.get("clip_problem"));
    hint.textContent = model.get("clip_hint");
    // Not disabled: a button that is disabled takes the keys of the panel with it.
    request.setAttribute("aria-disabled", String(model.get("cutting")));
  };
  return { root, play, show };
}

/**
 * @param {HTMLElement} holder
 * @param {string} text Empty where there is nothing to say.
 */
function showMessage(holder, text) {
  holder.replaceChildren(...(text ? [createElement("div", "sl-message", text)] : []));
}

/**
 * The command that a key stands for. Arrows are left to a slider or the video that has the focus.
 *
 * @param {KeyboardEvent} event
 * @param {boolean} sorting
 * @returns {Command | null | undefined} Null where the key is taken but does nothing, as when it is
 *   held down; undefined where it is none of ours.
 */
function commandOf(event, sorting) {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const arrows = event.target instanceof Element && event.target.matches("input, video");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "ArrowRight" && !arrows) return { step: 1 };
  if (key === "ArrowLeft" && !arrows) return { step: -1 };
  if (!sorting) return undefined;
  if (VERDICTS[key]) return event.repeat ? null : { verdict: VERDICTS[key] };
  if (key === "z") return event.repeat ? null : { undo: true };
  if (key === "Escape") return { close: true };
  return undefined;
}

/**
 * The two pictures, beside or over each other.
 *
 * @param {Model} model
 * @param {() => void} onLoad
 */
function createStages(model, onLoad) {
  const root = createElement("div", "sl-stages");
  const target = createStage("target", onLoad), candidate = createStage("candidate", onLoad);
  root.append(target.figure, candidate.figure);
  let flickered = false;
  const draw = () => {
    const photograph = model.get("photographs")[model.get("photograph")];
    const shot = model.get("shots")[model.get("shot")];
    const eyes = photograph?.eyes && shot?.eyes ? [photograph.eyes, shot.eyes] : [null, null];
    target.image.style.transform = viewTransform(target.image, eyes[0], model.get("zoom"), 0);
    candidate.image.style.transform = viewTransform(
      candidate.image, eyes[1], model.get("zoom"), model.get("turn"));
    candidate.image.style.filter = (
      `brightness(${model.get("brightness")}) contrast(${model.get("contrast")})`);
    const mode = model.get("mode");
    // Over each other: the candidate's picture moves onto the target's stage.
    (mode === "side" ? candidate : target).frame.append(candidate.image);
    const opacity = { side: 1, overlay: model.get("opacity"), flicker: flickered ? 1 : 0 };
    candidate.image.style.opacity = String(opacity[mode]);
    candidate.frame.hidden = mode !== "side";
    root.dataset.mode = mode;
  };
  const flicker = () => {
    flickered = !flickered;
    candidate.image.style.opacity = flickered ? "1" : "0";
  };
  return { root, target, candidate, draw, flicker };
}

/**
 * @param {HTMLImageElement} image
 * @param {[Place, Place] | null} eyes
 * @param {number} zoom
 * @param {number} turn Degrees.
 */
function viewTransform(image, eyes, zoom, turn) {
  const [a, b, e, f] = stageTransform(image, eyes);
  const centre = STAGE / 2;
  return `translate(${centre}px, ${centre}px) scale(${zoom}) rotate(${turn}deg) `
    + `translate(${-centre}px, ${-centre}px) matrix(${a}, ${b}, ${-b}, ${a}, ${e}, ${f})`;
}

/**
 * The whole panel, which the keyboard's focus can be in.
 *
 * @param {boolean} sorting
 */
function createRoot(sorting) {
  const root = createElement("div", "sl-comparing", "", {
    role: "group",
    "aria-label": `Comparison of the ${sorting ? "target with a candidate" : "subject with a face"}`,
    "aria-keyshortcuts": `ArrowLeft ArrowRight${sorting ? " s n u z Escape" : ""}`,
  });
  root.tabIndex = 0;
  return root;
}

/**
 * All parts of the panel, in their order on the page.
 *
 * @param {Model} model
 */
function createPanel(model) {
  const sorting = model.get("sorting");
  const root = createRoot(sorting);
  /** @type {Send} */
  const send = (command) => model.send(command);
  /** @type {Model["set"]} */
  const save = (name, value) => { model.set(name, value); model.save_changes(); };
  const draw = () => { stages.draw(); controls.show(model); };

  const header = createHeader(send, sorting);
  const stages = createStages(model, draw);
  const controls = createControls({
    onMode: (mode) => save("mode", mode),
    onAdjust: (name, value) => { save(name, value); draw(); },
    send,
  });
  const decision = createDecision(send);
  decision.root.hidden = !sorting;
  const problem = createElement("div", "sl-problems", "", { role: "alert" });
  const photographs = createThumbnails(
    `Photographs of the ${sorting ? "target" : "subject"}`, (index) => save("photograph", index));
  const shots = createThumbnails("Best shots of this face", (index) => save("shot", index));
  const strips = createElement("div", "sl-strips");
  strips.append(photographs.root, shots.root);
  const player = createClipPlayer(send);
  player.root.hidden = !sorting;

  root.append(
    header.root, stages.root, controls.root, decision.root, problem, strips, player.root);
  return {
    root, send, draw, header, stages, controls, decision, problem, photographs, shots, player };
}

/** @typedef {ReturnType<typeof createPanel>} Panel */
/**
 * @param {Panel} panel
 * @param {Model} model
 */
function showPictures({ stages, photographs, shots, draw }, model) {
  const [photograph, shot] = [model.get("photograph"), model.get("shot")];
  showPicture(stages.target, model.get("photographs")[photograph]);
  showPicture(stages.candidate, model.get("shots")[shot]);
  photographs.show(model.get("photographs"), photograph);
  shots.show(model.get("shots"), shot);
  draw();
}

/**
 * @param {Panel} panel
 * @param {Model} model
 */
function showTexts({ root, header, controls, decision, problem, player }, model) {
  root.hidden = !model.get("shown");
  header.title.textContent = model.get("title");
  header.place.textContent = model.get("place");
  header.note.textContent = model.get("note");
  controls.alignment.textContent = model.get("alignment");
  decision.show(model);
  showMessage(problem, model.get("problem"));
  player.show(model);
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  const panel = createPanel(model);
  const { root, stages, player } = panel;
  el.append(root);

  const timer = setInterval(() => {
    if (model.get("mode") === "flicker" && !root.hidden) stages.flicker();
  }, FLICKER_MS);
  root.addEventListener("keydown", (event) => {
    const command = commandOf(event, model.get("sorting"));
    if (command === undefined) return;
    if (command) panel.send(command);
    event.preventDefault();
    event.stopPropagation();
  });
  /** @param {{ focus?: boolean }} message */
  const focus = (message) => {
    if (!message.focus) return;
    root.hidden = false;
    root.focus({ preventScroll: true });
    root.scrollIntoView({ block: "nearest" });
  };

  const updatePictures = () => showPictures(panel, model);
  const updateTexts = () => showTexts(panel, model);
  const updateClip = () => player.play(model.get("clip"), model.get("clip_from"));
  for (const name of PICTURE_TRAITS) model.on(`change:${name}`, updatePictures);
  for (const name of VIEW_TRAITS) model.on(`change:${name}`, panel.draw);
  for (const name of TEXT_TRAITS) model.on(`change:${name}`, updateTexts);
  model.on("change:clip", updateClip);
  model.on("msg:custom", focus);
  updatePictures();
  updateTexts();
  updateClip();
  return () => {
    clearInterval(timer);
    for (const name of PICTURE_TRAITS) model.off(`change:${name}`, updatePictures);
    for (const name of VIEW_TRAITS) model.off(`change:${name}`, panel.draw);
    for (const name of TEXT_TRAITS) model.off(`change:${name}`, updateTexts);
    model.off("change:clip", updateClip);
    model.off("msg:custom", focus);
  };
}
export default { render };
