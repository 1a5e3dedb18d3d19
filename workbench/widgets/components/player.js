// Films of several cameras in step: one clock, which each film follows. Until they are played there
// is one picture of each. What is not there is asked for: the pieces when somebody plays, the next
// ones at their end, the pictures of another moment.

/** @typedef {{ film: string, name: string, mark: string, after: number }} Film Its film by address: media.js. */
/**
 * @typedef {object} Traits
 * @property {Film[]} films
 * @property {number} begins
 * @property {string} zone
 * @property {number} at
 * @property {boolean} pieces Whether these are to be played, and not pictures.
 * @property {number} seconds
 * @property {boolean} busy
 * @property {number} round
 * @property {number} failures
 */
/** @typedef {{ to: number, plays: boolean }} Command Seconds after what begins now. */
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
  caption.textContent = film.mark ? `${film.name}, ${film.mark}` : film.name;
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
    { ...words, day: "2-digit", month: "short", year: "numeric", timeZone: zone, timeZoneName: "short" });
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(time));
}

/**
 * Have a film show what the clock says.
 *
 * @param {ReturnType<typeof addFilm>} film
 * @param {number} at seconds by the clock
 * @param {boolean} plays
 */
function set({ video, figure, after }, at, plays) {
  const place = at - after;
  figure.classList.toggle("sl-none-then", place < 0 || place > (video.duration || 0) + 1);
  const wanted = Math.min(Math.max(place, 0), video.duration || 0);
  if (Math.abs(video.currentTime - wanted) > (plays ? LATE : 0.01)) video.currentTime = wanted;
  if (plays && place >= 0 && video.paused && !video.ended) video.play().catch(() => {});
  if (!plays && !video.paused) video.pause();
}

/**
 * @param {HTMLElement} bar
 * @param {(by: number) => void} move
 * @param {() => void} turn
 */
function fillBar(bar, move, turn) {
  addButton(bar, "−10 s", "10 seconds back", () => move(-10));
  addButton(bar, "−1 s", "1 second back", () => move(-1));
  const toggle = addButton(bar, "Play", "Play or pause", turn);
  addButton(bar, "+1 s", "1 second on", () => move(1));
  addButton(bar, "+10 s", "10 seconds on", () => move(10));
  const clock = document.createElement("time");
  bar.append(clock);
  return { toggle, clock };
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
    for (const film of shown) set(film, at, plays);
  };
  /** @param {number} to */
  const ask = (to) => {
    if (asked) return;
    asked = true;
    model.send({ to, plays });
  };
  /** @param {number} by */
  const move = (by) => {
    const to = at + by;
    if (!model.get("pieces") || to < 0 || to >= model.get("seconds")) ask(to);
    else { at = to; show(); }
  };
  const tell = () => {
    model.set("at", at);
    model.save_changes();
  };
  const turn = () => {
    plays = !plays;
    if (plays && !model.get("pieces")) ask(0);
    show();
    tell();
  };
  const { toggle, clock } = fillBar(bar, move, turn);

  const clear = () => {
    shown = [];
    stage.replaceChildren();
  };
  const draw = () => {
    clear();
    shown = model.get("films").map((film) => addFilm(stage, film));
    for (const { video } of shown) video.addEventListener("loadedmetadata", show);
    [at, plays, asked] = [0, plays && model.get("pieces"), false];
    show();
  };
  const timer = setInterval(() => {
    const now = performance.now();
    const passed = Math.min((now - last) / 1000, 0.5);
    last = now;
    if (!plays || asked || !shown.length) return;
    move(passed);
    if (Math.floor(at) !== Math.floor(model.get("at"))) tell();
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
