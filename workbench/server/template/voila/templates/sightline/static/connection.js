"use strict";
// Says so when the kernel of this page has ended or the server does not answer, and offers to load
// the page again. What the page shows stays.
(() => {
  const PERIOD = 10_000;
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

  let failures = 0;
  const look = async () => {
    try {
      const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" });
      failures = 0;
      if (answer.status === 404) { show(ENDED); return; }
      note.remove();
    } catch {
      failures += 1;
      if (failures > 1) show(SILENT);
    }
    setTimeout(look, failures ? PERIOD / 4 : PERIOD);
  };
  look();
})();
