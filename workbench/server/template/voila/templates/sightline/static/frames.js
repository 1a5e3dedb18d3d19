"use strict";
// A document in `srcdoc` is held to the policy of its page, and that runs no inline script. So a
// sandboxed one, such as a Folium map, is moved into the frame our server keeps for it: an origin
// of its own, where its scripts run and reach neither this page nor any server.
(() => {
  const documents = new WeakMap();

  const move = (frame) => {
    if (!frame.hasAttribute("srcdoc") || !frame.hasAttribute("sandbox")) return;
    if (frame.sandbox.contains("allow-same-origin")) return;
    documents.set(frame, frame.getAttribute("srcdoc"));
    frame.removeAttribute("srcdoc");
    frame.src = "/frame";
  };

  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") { move(change.target); continue; }
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.localName === "iframe") move(node);
        else node.querySelectorAll("iframe[srcdoc]").forEach(move);
      }
    }
  }).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["srcdoc"],
  });

  window.addEventListener("message", (event) => {
    if (event.data !== "sightline-frame-ready") return;
    for (const frame of document.querySelectorAll("iframe[sandbox]")) {
      if (frame.contentWindow === event.source && documents.has(frame)) {
        event.source.postMessage(documents.get(frame), "*");
      }
    }
  });
})();
