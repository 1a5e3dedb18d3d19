"use strict";
// A reader of the screen tells a control by its name. Jupyter's fields whose label is hidden have
// none, whatever their tooltip says, and nor has the handle of any slider: each gets the words that
// those who see the page have.
(() => {
  const FIELDS = ":is(input, select, textarea, [role=slider])";

  const words = (field) => {
    const label = field.closest(".jupyter-widgets")?.querySelector(":scope > label");
    const told = (text) => (text && text !== "null" ? text.trim() : "");
    return told(label?.textContent) || told(field.title) || told(label?.title)
      || told(field.placeholder);
  };

  const name = (field) => {
    const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    if (field.id && label?.checkVisibility() && label.textContent.trim()) return;
    const said = words(field);
    if (said && field.getAttribute("aria-label") !== said) field.setAttribute("aria-label", said);
  };

  const look = (node) => {
    if (node.matches(FIELDS)) name(node);
    else node.querySelectorAll(FIELDS).forEach(name);
  };

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") look(target.closest(".jupyter-widgets") ?? target);
      for (const node of addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE) look(node.closest(".jupyter-widgets") ?? node);
      }
    }
  }).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["title", "placeholder"],
  });
})();
