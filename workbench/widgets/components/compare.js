// Two faces beside or over each other. What is shown stands in the model; here it is only drawn,
// and what hands do (keys, sliders) is told to the model. Texts are set as text.
const STAGE = 260;  // CSS pixels, both sides of a stage
const EYES = { x: 0.37, y: 0.42 };  // where the eye at the left goes, as a share of the stage
const FLICKER_MS = 600;
const VERDICTS = { s: "same", 1: "same", n: "different", 2: "different", u: "unsure", 3: "unsure" };

const element = (tag, classes = "", text = "") => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
};

// The similarity that brings a picture into the stage: its eyes to where all eyes go, or as large
// as it fits. As [a, b, e, f] of the matrix (a -b e; b a f).
function placed(image, eyes) {
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

function render({ model, el }) {
  const root = element("div", "sl-comparing");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Comparison of the target with a candidate");
  root.setAttribute("aria-keyshortcuts", "s n u z ArrowLeft ArrowRight Escape");
  const save = (name, value) => { model.set(name, value); model.save_changes(); };
  const tell = (what) => model.send(what);
  const button = (text, press, classes = "sl-button") => {
    const made = element("button", classes, text);
    made.type = "button";
    made.addEventListener("click", press);
    return made;
  };

  // --- Head: which candidate, and how to leave
  const head = element("div", "sl-compare-row");
  const title = element("h3"), place = element("span", "sl-hint");
  const closing = button("Close (Esc)", () => tell({ close: true }));
  const earlier = button("← Previous", () => tell({ step: -1 }));
  const later = button("Next →", () => tell({ step: 1 }));
  head.append(title, place, earlier, later, closing);

  // --- Stages
  const stages = element("div", "sl-stages");
  const stage = (name) => {
    const figure = element("figure", `sl-figure sl-figure-${name}`);
    const frame = element("div", "sl-stage"), image = element("img"), words = element("figcaption");
    image.addEventListener("load", () => draw());
    frame.append(image);
    figure.append(frame, words);
    return { figure, frame, image, words };
  };
  const left = stage("target"), right = stage("candidate");
  stages.append(left.figure, right.figure);

  // --- Controls
  const controls = element("div", "sl-controls");
  const modes = element("div", "sl-compare-row");
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "How the two are shown");
  const modeButtons = new Map([["side", "Side by side"], ["overlay", "Overlay"],
    ["flicker", "Flicker"]].map(([mode, text]) => {
    const made = button(text, () => save("mode", mode));
    modes.append(made);
    return [mode, made];
  }));
  const sliders = new Map();
  const slider = (name, text, low, high, step, shown) => {
    const label = element("label", "sl-slider"), input = element("input");
    const value = element("output");
    input.type = "range";
    [input.min, input.max, input.step] = [low, high, step];
    input.addEventListener("input", () => { save(name, Number(input.value)); draw(); });
    label.append(element("span", "", text), input, value);
    sliders.set(name, { label, input, value, shown });
    return label;
  };
  const percent = (x) => `${Math.round(x * 100)} %`;
  const aligned = element("p", "sl-hint sl-aligned");
  aligned.setAttribute("role", "status");
  controls.append(
    modes,
    slider("zoom", "Zoom", 1, 6, 0.1, (x) => `${x.toFixed(1)} ×`),
    slider("turn", "Rotate", -180, 180, 1, (x) => `${x}°`),
    slider("brightness", "Brightness", 0.4, 2.5, 0.05, percent),
    slider("contrast", "Contrast", 0.4, 2.5, 0.05, percent),
    slider("opacity", "Overlay", 0, 1, 0.05, percent),
    button("Reset the view", () => tell({ reset: true })),
    aligned,
  );

  // --- Decision
  const decision = element("div", "sl-compare-row sl-decide");
  const verdicts = new Map([["same", "✓ Same", "S or 1"], ["different", "✗ Not same", "N or 2"],
    ["unsure", "? Unsure", "U or 3"]].map(([verdict, text, key]) => {
    const made = button(text, () => tell({ verdict }), `sl-button sl-decide-${verdict}`);
    made.append(element("kbd", "", key));
    decision.append(made);
    return [verdict, made];
  }));
  const undo = button("Undo", () => tell({ undo: true }));
  undo.append(element("kbd", "", "Z"));
  decision.append(undo);
  const standing = element("span"), told = element("span", "sl-hint");
  told.setAttribute("role", "status");
  decision.append(standing, told);
  const problem = element("div", "sl-problems");
  problem.setAttribute("role", "alert");

  // --- The other shots, and the video
  const strips = element("div", "sl-strips");
  const strip = (text, trait) => {
    const box = element("div", "sl-strip"), list = element("div", "sl-thumbs");
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", text);
    box.append(element("span", "sl-hint", text), list);
    strips.append(box);
    return { box, list, trait };
  };
  const photographs = strip("Photographs of the target", "photograph");
  const shots = strip("Best shots of this candidate", "shot");
  const film = element("div", "sl-film"), filmHint = element("span", "sl-hint");
  filmHint.setAttribute("role", "status");
  const cut = button("Show the seconds around it", () => tell({ clip: true }));
  let address = "";
  const filmProblem = element("div", "sl-film-problem");
  filmProblem.setAttribute("role", "alert");
  film.append(cut, filmHint, filmProblem);

  root.append(head, stages, controls, decision, problem, strips, film);
  el.append(root);

  const thumbs = ({ box, list, trait }, items) => {
    const before = list.contains(document.activeElement)
      ? [...list.children].indexOf(document.activeElement) : -1;
    list.replaceChildren(...items.map((item, number) => {
      const made = button("", () => save(trait, number), "sl-thumb");
      const image = element("img");
      image.src = item.picture;
      image.alt = "";
      made.append(image, element("span", "", item.name));
      made.setAttribute("aria-pressed", String(number === model.get(trait)));
      return made;
    }));
    if (before >= 0) list.children[before]?.focus();
    box.hidden = items.length < 2;
  };

  // --- Drawing
  const fill = ({ image, words }, item) => {
    if (image.getAttribute("src") !== (item?.picture ?? "")) image.src = item?.picture ?? "";
    image.alt = item ? item.name : "";
    words.textContent = item ? `${item.name}${item.time ? `, ${item.time}` : ""}` : "";
  };
  let flickered = false;
  const draw = () => {
    const mode = model.get("mode"), both = model.get("photographs"), own = model.get("shots");
    const a = both[model.get("photograph")], b = own[model.get("shot")];
    const align = Boolean(a?.eyes && b?.eyes);
    const zoom = model.get("zoom"), centre = STAGE / 2;
    for (const [one, item, turn] of [[left, a, 0], [right, b, model.get("turn")]]) {
      const [p, q, e, f] = placed(one.image, align ? item?.eyes : null);
      one.image.style.transform = `translate(${centre}px, ${centre}px) scale(${zoom}) `
        + `rotate(${turn}deg) translate(${-centre}px, ${-centre}px) `
        + `matrix(${p}, ${q}, ${-q}, ${p}, ${e}, ${f})`;
    }
    const light = `brightness(${model.get("brightness")}) contrast(${model.get("contrast")})`;
    right.image.style.filter = light;
    // Over each other: the candidate's picture moves onto the target's stage.
    if (mode === "side") right.frame.append(right.image);
    else left.frame.append(right.image);
    right.image.style.opacity = { side: 1, overlay: model.get("opacity"),
      flicker: flickered ? 1 : 0 }[mode];
    right.frame.hidden = mode !== "side";
    stages.dataset.mode = mode;
    for (const [name, made] of modeButtons) {
      made.setAttribute("aria-pressed", String(name === mode));
    }
    for (const [name, { label, input, value, shown }] of sliders) {
      input.value = model.get(name);
      value.textContent = shown(model.get(name));
      label.hidden = name === "opacity" && mode !== "overlay";
    }
  };
  const fillAll = () => {
    const both = model.get("photographs"), own = model.get("shots");
    fill(left, both[model.get("photograph")]);
    fill(right, own[model.get("shot")]);
    thumbs(photographs, both);
    thumbs(shots, own);
    draw();
  };
  const describe = () => {
    root.hidden = !model.get("shown");
    title.textContent = model.get("title");
    place.textContent = model.get("place");
    aligned.textContent = model.get("alignment");
    told.textContent = model.get("told");
    standing.textContent = model.get("standing");
    standing.className = `sl-verdict sl-verdict-${model.get("verdict")}`;
    for (const [verdict, made] of verdicts) {
      made.setAttribute("aria-pressed", String(verdict === model.get("verdict")));
    }
    const said = (where, text) => where.replaceChildren(
      ...(text ? [element("div", "sl-message", text)] : []));
    said(problem, model.get("problem"));
    said(filmProblem, model.get("clip_problem"));
    filmHint.textContent = model.get("clip_hint");
    cut.disabled = model.get("cutting");
  };
  const roll = () => {
    film.querySelector("video")?.remove();
    if (address) URL.revokeObjectURL(address);
    address = "";
    const clip = model.get("clip");
    cut.hidden = Boolean(clip?.byteLength);
    if (!clip?.byteLength) return;
    address = URL.createObjectURL(new Blob([clip], { type: "video/mp4" }));
    const video = element("video");
    Object.assign(video, { src: address, controls: true, muted: true, loop: true });
    video.setAttribute("aria-label", "The seconds around the candidate; all else is coarse");
    film.prepend(video);
  };

  const timer = setInterval(() => {
    if (model.get("mode") !== "flicker" || root.hidden) return;
    flickered = !flickered;
    right.image.style.opacity = flickered ? 1 : 0;
  }, FLICKER_MS);

  // --- Keys: only while the focus is in here, and never those that a slider or the video takes.
  const press = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const arrows = event.target.matches("input, video");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (VERDICTS[key]) { if (!event.repeat) tell({ verdict: VERDICTS[key] }); }
    else if (key === "z") { if (!event.repeat) tell({ undo: true }); }
    else if (key === "ArrowRight" && !arrows) tell({ step: 1 });
    else if (key === "ArrowLeft" && !arrows) tell({ step: -1 });
    else if (key === "Escape") tell({ close: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  root.addEventListener("keydown", press);
  const focus = (message) => {
    if (!message.focus) return;
    root.hidden = false;
    root.focus({ preventScroll: true });
    root.scrollIntoView({ block: "nearest" });
  };

  const pictures = "change:photographs change:shots change:photograph change:shot";
  const view = "change:mode change:zoom change:turn change:brightness change:contrast "
    + "change:opacity";
  const words = "change:shown change:title change:place change:alignment change:told "
    + "change:standing change:verdict change:problem change:clip_hint change:clip_problem change:cutting";
  const listeners = [[pictures, fillAll], [view, draw], [words, describe], ["change:clip", roll],
    ["msg:custom", focus]];
  for (const [what, then] of listeners) model.on(what, then);
  fillAll();
  describe();
  roll();
  return () => {
    clearInterval(timer);
    if (address) URL.revokeObjectURL(address);
    for (const [what, then] of listeners) model.off(what, then);
  };
}
export default { render };
