// Films of several cameras in step: one clock, which each film follows. At the end of a piece the
// next one is asked for.

/** @typedef {{ film: string, name: string, mark: string, after: number }} Film Its film by address: media.js. */
/**
 * @typedef {object} Traits
 * @property {Film[]} films
 * @property {number} begins
 * @property {string} zone
 * @property {number} at
 * @property {boolean} plays
 * @property {number} seconds
 * @property {boolean} busy
 * @property {number} round
 * @property {number} failures
 */
/** @typedef {{ go: 1 | -1, at?: number, plays?: boolean }} Command */
/** @typedef {WidgetModel<Traits, Command, never>} Model */

const LATE = 0.25;  // seconds by which a film may be off the clock before it is set
const LOOK_MS = 100;

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} name
 * @param {() => void} press
 */
function addButton(place, text, name, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.setAttribute("aria-label", name);
  button.title = name;
  button.addEventListener("click", press);
  place.append(button);
  return button;
}

/**
 * @param {HTMLElement} place
 * @param {Film} film
 */
function addFilm(place, film) {
  const figure = document.createElement("figure");
  const video = document.createElement("video");
  const caption = document.createElement("figcaption");
  video.muted = true;
  video.playsInline = true;
  video.src = film.film;
  video.setAttribute("aria-label", `Footage of ${film.name}`);
  caption.textContent = film.mark ? `${film.name} (${film.mark})` : film.name;
  figure.append(video, caption);
  place.append(figure);
  return { video, figure, after: film.after };
}

/**
 * @param {number} time milliseconds since 1970
 * @param {string} zone
 */
function timeWords(time, zone) {
  const words = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const options = /** @type {Intl.DateTimeFormatOptions} */ (
    { ...words, day: "2-digit", month: "short", year: "numeric", timeZone: zone });
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(time));
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  el.classList.add("sl-player");
  const [stage, bar] = [document.createElement("div"), document.createElement("div")];
  [stage.className, bar.className] = ["sl-films", "sl-player-bar"];
  el.append(stage, bar);
  /** @type {ReturnType<typeof addFilm>[]} */
  let shown = [];
  let [at, plays, last, asked] = [0, false, 0, false];

  const show = () => {
    clock.textContent = timeWords(model.get("begins") + 1000 * at, model.get("zone"));
    toggle.textContent = plays ? "Pause" : "Play";
    for (const { video, figure, after } of shown) {
      const place = at - after;
      figure.classList.toggle("sl-none-then", place < 0 || place > (video.duration || 0) + 1);
      const wanted = Math.min(Math.max(place, 0), video.duration || 0);
      if (Math.abs(video.currentTime - wanted) > (plays ? LATE : 0.01)) video.currentTime = wanted;
      if (plays && place >= 0 && video.paused && !video.ended) video.play().catch(() => {});
      if (!plays && !video.paused) video.pause();
    }
  };
  /** @param {1 | -1} go @param {number} to */
  const ask = (go, to) => {
    if (asked) return;
    asked = true;
    model.send({ go, at: to, plays });
  };
  /** @param {number} by */
  const move = (by) => {
    const [to, length] = [at + by, model.get("seconds")];
    if (to < 0) ask(-1, to + length);
    else if (to >= length) ask(1, to - length);
    else { at = to; show(); }
  };
  addButton(bar, "−10 s", "10 seconds back", () => move(-10));
  addButton(bar, "−1 s", "1 second back", () => move(-1));
  const toggle = addButton(bar, "Play", "Play or pause", () => { plays = !plays; show(); });
  addButton(bar, "+1 s", "1 second on", () => move(1));
  addButton(bar, "+10 s", "10 seconds on", () => move(10));
  const clock = document.createElement("time");
  bar.append(clock);

  const clear = () => {
    shown = [];
    stage.replaceChildren();
  };
  const draw = () => {
    clear();
    shown = model.get("films").map((film) => addFilm(stage, film));
    for (const { video } of shown) video.addEventListener("loadedmetadata", show);
    [at, plays, asked] = [model.get("at"), model.get("plays"), false];
    show();
  };
  const timer = setInterval(() => {
    const now = performance.now();
    const passed = Math.min((now - last) / 1000, 0.5);
    last = now;
    if (plays && !asked && shown.length) move(passed);
  }, LOOK_MS);
  // What was asked for counts as asked until it is there, or failed: then nothing plays on, and the
  // next is asked for by a person alone.
  const wait = () => { asked ||= model.get("busy"); };
  const stop = () => {
    [plays, asked] = [false, false];
    show();
  };
  model.on("change:busy", wait);
  model.on("change:failures", stop);
  model.on("change:round", draw);
  draw();
  return () => {
    clearInterval(timer);
    model.off("change:busy", wait);
    model.off("change:failures", stop);
    model.off("change:round", draw);
    clear();
  };
}
export default { render };
