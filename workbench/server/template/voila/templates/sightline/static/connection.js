"use strict";
// Says so when the kernel of this page has ended or the server does not answer, and offers to load
// the page again. What the page shows stays.
(() => {
  const PERIOD = 10_000;
  const LEAVING = 60_000;  // the kernel is ended as the page is left, which shows until the next is there
  const ENDED = "This page is no longer connected: its work on the server has ended. What it shows "
    + "can still be read. Reload the page to go on.";
  const SILENT = "The server does not answer. What this page shows can still be read; it connects "
    + "again by itself if the server comes back soon.";

  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  if (!config.kernelId) return;
  const address = `${config.baseUrl}alive/${config.kernelId}`;

  const note = document.createElement("div");
  note.className = "sl-lost";
  note.setAttribute("role", "alert");
  const words = document.createElement("p");
  const reload = document.createElement("button");
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

  let failures = 0;
  const look = async () => {
    try {
      const answer = await fetch(address, {
        cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PERIOD),
      });
      const { alive } = await answer.json();  // a proxy's own words are none
      failures = 0;
      if (alive) {
        note.remove();
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
  look();
})();
