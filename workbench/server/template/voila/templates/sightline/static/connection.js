"use strict";
// Says so when this page does not come up, when its kernel has ended or the server does not answer,
// and offers to load the page again. What the page shows stays.
(() => {
  const PERIOD = 10_000;
  const LEAVING = 60_000;  // the kernel is ended as the page is left, which shows until the next is there
  const ENDED = "This page is no longer connected: its work on the server has ended. What it shows "
    + "can still be read. Reload the page to go on.";
  const SILENT = "The server does not answer. What this page shows can still be read; it connects "
    + "again by itself if the server comes back soon.";
  const LONGEST = 60_000;  // without a sign that the page is coming up
  const STUCK = "This page has not come up: its work on the server does not answer. Reload the page; "
    + "if that does not help, tell the administrator.";

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

  let left = -Infinity;
  addEventListener("beforeunload", () => { left = performance.now(); });

  // An output is there once it is something else than Jupyter's words for a widget that is not.
  const isUp = () => {
    if (document.readyState === "loading") return false;
    const outputs = [...document.querySelectorAll("#rendered_cells .jp-OutputArea-output")];
    const missing = outputs.some((one) => /^(Loading|Error displaying) widget/.test(one.textContent));
    const any = document.querySelector('script[type="application/vnd.voila.cell-output+json"]');
    return !missing && (outputs.length > 0 || !any);
  };
  let since = performance.now(), steps = 0;
  const rising = setInterval(() => {
    const done = document.querySelectorAll("#rendered_cells > [cell-index]").length;
    if (done > steps) [steps, since] = [done, performance.now()];
    if (isUp()) {
      clearInterval(rising);
      if (words.textContent === STUCK) note.remove();
    } else if (performance.now() - since > LONGEST && !note.isConnected) {
      show(STUCK);
    }
  }, 500);

  let failures = 0, address = "";
  const look = async () => {
    try {
      const answer = await fetch(address, {
        cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PERIOD),
      });
      const { alive } = await answer.json();  // a proxy's own words are none
      failures = 0;
      if (alive) {
        if (words.textContent !== STUCK) note.remove();
      } else if (performance.now() - left > LEAVING) {
        show(ENDED);
        return;
      }
    } catch {
      failures += 1;
      if (failures > 1) show(SILENT);
    }
    setTimeout(look, failures ? PERIOD / 4 : PERIOD);
  };
  document.addEventListener("DOMContentLoaded", () => {
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    address = `${config.baseUrl}alive/${config.kernelId}`;
    if (config.kernelId) look();
  });
})();
