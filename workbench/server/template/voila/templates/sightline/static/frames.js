"use strict";
// A document in `srcdoc` is held to the policy of its page, and that runs no inline script. So a
// sandboxed one, such as a Folium map, is moved into the frame our server keeps for it: an origin
// of its own, where its scripts run and reach neither this page nor any server.
(() => {
  const address = document.querySelector("meta[name=sightline-frame]").content;
  const documents = new WeakMap();

  const move = (frame) => {
    if (!frame.hasAttribute("sandbox") || frame.sandbox.contains("allow-same-origin")) return;
    // A frame that has begun to show its srcdoc may never lay out what follows; a new one does.
    const fresh = frame.cloneNode();
    fresh.removeAttribute("srcdoc");
    fresh.src = address;
    documents.set(fresh, frame.srcdoc);
    frame.replaceWith(fresh);
  };

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches("iframe[srcdoc]")) move(node);
        else node.querySelectorAll("iframe[srcdoc]").forEach(move);
      }
    }
  }).observe(document, { childList: true, subtree: true });

  window.addEventListener("message", (event) => {
    if (event.data !== "sightline-frame-ready") return;
    for (const frame of document.querySelectorAll("iframe[sandbox]")) {
      if (frame.contentWindow === event.source && documents.has(frame)) {
        event.source.postMessage(documents.get(frame), "*");
      }
    }
  });
})();
