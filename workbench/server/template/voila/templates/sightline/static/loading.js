"use strict";
// The loading screen: says what is going on, and goes when there is something to see.
(() => {
  const byId = (id) => document.getElementById(id);
  const say = (text) => { const line = byId("loading_text"); if (line) line.textContent = text; };

  let shown = -1;
  const steps = new MutationObserver(() => {
    const total = Number(document.querySelector("meta[name=sightline-steps]")?.content || 0);
    const done = document.querySelectorAll("#rendered_cells > [cell-index]").length;
    if (!total || done === shown) return;  // what we say is a change of the document too
    shown = done;
    byId("loading_progress").value = done / (total + 1);
    say(`Preparing the page: step ${Math.min(done + 1, total)} of ${total}`);
  });
  steps.observe(document, { childList: true, subtree: true });

  const leave = () => byId("loading")?.remove();

  // Voila's front end calls these three by name.
  window.voila_heartbeat = () => {};
  window.voila_process = () => {};
  window.voila_finish = () => {
    if (!window.themeLoaded) { window.cellLoaded = true; return; }
    const cells = byId("rendered_cells");
    cells.style.display = "";
    const drawn = () => cells.querySelector(".jp-OutputArea-output, .jp-RenderedMarkdown");
    const expected = document.querySelector('script[type="application/vnd.voila.cell-output+json"]');
    if (!expected || drawn()) { leave(); return; }
    new MutationObserver((_, self) => { if (drawn()) { self.disconnect(); leave(); } })
      .observe(cells, { childList: true, subtree: true });
  };

  document.addEventListener("DOMContentLoaded", () => {
    steps.disconnect();
    say("Drawing the controls");
    window.voila_finish();
  });
})();
