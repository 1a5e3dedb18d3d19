"use strict";
// The loading screen: says what is going on, and goes when there is something to see.
(() => {
  // anywidget gives a widget two seconds to be ready, and then leaves out whatever its kernel says.
  // ipywidgets gives a kernel four to tell of all its widgets, and then asks after each by itself,
  // which does not end where one of them is gone. A busy machine takes longer than either;
  // connection.js says so where it takes too long.
  const LONGEST = 60_000;
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (milliseconds) => timeout(milliseconds === 2_000 ? LONGEST : milliseconds);
  const later = setTimeout.bind(window);
  const isImpatient = (/** @type {TimerHandler} */ work) => String(work).includes("Control comm did not respond");
  /** @param {TimerHandler} work @param {number} [delay] @param {any[]} given */
  const patient = (work, delay, ...given) => (
    later(work, delay === 4_000 && isImpatient(work) ? LONGEST : delay, ...given)
  );
  /** @type {any} */ (window).setTimeout = patient;

  /** @param {string} text */
  const showStatus = (text) => {
    const line = document.getElementById("loading_text");
    if (line) line.textContent = text;
  };

  let shown = -1;
  const steps = new MutationObserver(() => {
    const meta = document.querySelector("meta[name=sightline-steps]");
    const total = Number(meta?.getAttribute("content"));
    const done = document.querySelectorAll("#rendered_cells > [cell-index]").length;
    if (!total || done === shown) return;  // the status is a change of the document too
    shown = done;
    const progress = document.getElementById("loading_progress");
    if (progress instanceof HTMLProgressElement) progress.value = done / (total + 1);
    showStatus(`Preparing the page: step ${Math.min(done + 1, total)} of ${total}`);
  });
  steps.observe(document, { childList: true, subtree: true });

  const leave = () => document.getElementById("loading")?.remove();

  // Voila's front end calls these three by name.
  window.voila_heartbeat = () => {};
  window.voila_process = () => {};
  window.voila_finish = () => {
    if (!window.themeLoaded) { window.cellLoaded = true; return; }
    const cells = /** @type {HTMLElement} */ (document.getElementById("rendered_cells"));
    cells.style.display = "";
    const drawn = () => cells.querySelector(".jp-OutputArea-output, .jp-RenderedMarkdown");
    const expected = document.querySelector('script[type="application/vnd.voila.cell-output+json"]');
    if (!expected || drawn()) { leave(); return; }
    new MutationObserver((_, self) => { if (drawn()) { self.disconnect(); leave(); } })
      .observe(cells, { childList: true, subtree: true });
  };

  document.addEventListener("DOMContentLoaded", () => {
    steps.disconnect();
    showStatus("Drawing the controls");
    window.voila_finish();
  });
})();
