"use strict";
// A document in `srcdoc` is held to the policy of its page, and that runs no inline script. So a
// sandboxed one, such as a Folium map, is moved into the frame our server keeps for it: an origin
// of its own, where its scripts run and reach neither this page nor any server.
(() => {
  const meta = /** @type {HTMLMetaElement} */ (
    document.querySelector("meta[name=sightline-frame]"));
  const address = meta.content;
  /** @type {WeakMap<HTMLIFrameElement, string>} */
  const documents = new WeakMap();

  /** @param {HTMLIFrameElement} frame */
  const move = (frame) => {
    if (!frame.hasAttribute("sandbox") || frame.sandbox.contains("allow-same-origin")) return;
    // A frame that has begun to show its srcdoc may never lay out what follows; a new one does.
    const fresh = /** @type {HTMLIFrameElement} */ (frame.cloneNode());
    fresh.removeAttribute("srcdoc");
    fresh.src = address;
    documents.set(fresh, frame.srcdoc);
    frame.replaceWith(fresh);
  };

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node instanceof HTMLIFrameElement && node.hasAttribute("srcdoc")) move(node);
        else for (const frame of node.querySelectorAll("iframe")) {
          if (frame.hasAttribute("srcdoc")) move(frame);
        }
      }
    }
  }).observe(document, { childList: true, subtree: true });

  window.addEventListener("message", (event) => {
    if (event.data !== "sightline-frame-ready") return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow && frame.contentWindow === event.source && documents.has(frame)) {
        frame.contentWindow.postMessage(documents.get(frame), "*");
      }
    }
  });
})();
