"use strict";
// Says so when this page does not come up, or not all of it, when its kernel has ended or the server
// does not answer, and offers to load the page again. What the page shows stays.
{
  const PERIOD = 5_000;  // between two looks; a connection that ends is a reason to look at once
  const RISING = 1_500;  // while the page comes up, which has no connection yet
  const LEAVING = 60_000;  // the kernel is ended as the page is left, which shows until the next is there
  const ENDED = "This page is no longer connected: its work on the server has ended, as it "
    + "does when you are signed out. What it shows can still be read. Reload the page to go on.";
  const SILENT = "The server does not answer. What this page shows can still be read; it connects "
    + "again by itself if the server comes back soon.";
  const UNMADE = "This page could not be opened: its Python session on the server ended before the "
    + "page was ready. Nothing that was saved is lost. Reload the page; if that does not help, tell "
    + "the administrator: the server's log says why, and the command sightline doctor checks what "
    + "pages need.";
  const LONGEST = 60_000;  // without a sign that the page is coming up
  const STUCK = "This page has not come up: its work on the server does not answer. Reload the page; "
    + "if that does not help, tell the administrator.";

  const PARTIAL = "A part of this page did not load. Reload the page; if that does not help, tell the "
    + "administrator.";

  const note = document.createElement("div");
  note.className = "sl-lost";
  note.setAttribute("role", "alert");
  const words = document.createElement("p");
  const reload = document.createElement("button");
  reload.type = "button";
  reload.textContent = "Reload";
  reload.addEventListener("click", () => location.reload());
  note.append(words, reload);

  /** @param {string} text */
  const show = (text) => {
    if (words.textContent !== text) words.textContent = text;
    if (!note.isConnected) document.body.prepend(note);
  };

  const giveUp = () => {
    document.getElementById("loading")?.remove();
    show(UNMADE);
  };

  let left = -Infinity;
  addEventListener("beforeunload", () => { left = performance.now(); });

  let lacking = false;
  /** @param {Event} event */
  const miss = ({ target }) => {
    const needed = target instanceof HTMLScriptElement
      || (target instanceof HTMLLinkElement && target.rel === "stylesheet");
    // What is still on its way as the page is left is given up.
    if (!needed || performance.now() - left < LEAVING) return;
    lacking = true;
    document.documentElement.classList.add("sl-lacking");  // Python's words for what is not there
    if (document.body) show(PARTIAL);
    else document.addEventListener("DOMContentLoaded", () => show(PARTIAL));
  };
  addEventListener("error", miss, true);

  // An output is there once it is something else than Jupyter's words for a widget that is not.
  const isUp = () => {
    if (document.readyState === "loading") return false;
    const meta = document.querySelector("meta[name=sightline-steps]");
    if (steps < Number(meta?.getAttribute("content"))) return false;
    const outputs = [...document.querySelectorAll("#rendered_cells .jp-OutputArea-output")];
    const missing = outputs.some((one) => /^(Loading|Error displaying) widget/.test(one.textContent));
    const any = document.querySelector('script[type="application/vnd.voila.cell-output+json"]');
    return !missing && (outputs.length > 0 || !any);
  };
  let since = performance.now(), steps = 0, up = false;
  const count = () => {
    const done = document.querySelectorAll("#rendered_cells > [cell-index]").length;
    if (done > steps) [steps, since] = [done, performance.now()];
  };
  const rising = setInterval(() => {
    count();
    begin();
    if (document.readyState !== "loading" && !address) {
      clearInterval(rising);
      giveUp();
    } else if (isUp()) {
      up = true;
      clearInterval(rising);
      if (words.textContent === STUCK) note.remove();
    } else if (performance.now() - since > LONGEST && !note.isConnected) {
      show(STUCK);
    }
  }, 500);

  let address = "", failures = 0, timer = 0, looking = false, again = false, over = false;
  const look = async () => {
    clearTimeout(timer);
    if (!address || over) return;
    if (looking) { again = true; return; }
    [looking, again] = [true, false];
    try {
      const answer = await fetch(address, {
        cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PERIOD),
      });
      const { alive } = await answer.json();  // a proxy's own words are none
      failures = 0;
      if (alive) {
        if (lacking) show(PARTIAL);
        else if (words.textContent !== STUCK) note.remove();
      } else if (performance.now() - left > LEAVING) {
        over = true;
        count();
        clearInterval(rising);
        if (up || isUp()) show(ENDED);
        else giveUp();
      }
    } catch {
      failures += 1;
      if (failures > 1) show(SILENT);
    }
    looking = false;
    timer = setTimeout(look, again ? 0 : failures || !up ? RISING : PERIOD);
  };
  const begin = () => {
    // What follows the configuration is there once all of that is.
    if (address || !document.querySelector("meta[name=sightline-steps]")) return;
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    if (!config.kernelId) return;
    address = `${config.baseUrl}alive/${config.kernelId}`;
    look();
  };
  document.addEventListener("DOMContentLoaded", begin);
  for (const event of ["online", "offline"]) addEventListener(event, look);

  // Whatever is connected: the page has the socket of its kernel and no other.
  window.WebSocket = class extends WebSocket {
    /** @param {ConstructorParameters<typeof WebSocket>} given */
    constructor(...given) {
      super(...given);
      this.addEventListener("close", look);
    }
  };
}
