"use strict";
// The empty document that the server keeps for a page in a frame: asks for the page, and becomes it.
window.addEventListener("message", (event) => {
  if (event.source !== window.parent || typeof event.data !== "string") return;
  document.open();
  document.write(event.data);
  document.close();
});
// Not before: Chromium may never lay out a document that was opened again while it was parsed.
window.addEventListener("load", () => {
  window.parent.postMessage("sightline-frame-ready", "*");
}, { once: true });
