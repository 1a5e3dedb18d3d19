"use strict";
// A reader of the screen tells a control by its name. Jupyter's fields whose label is hidden have
// none, whatever their tooltip says, and nor has the handle of any slider: each gets the words that
// those who see the page have.
(() => {
  const FIELDS = ":is(input, select, textarea, [role=slider])";

  /** @param {string | null | undefined} text */
  const worded = (text) => {
    // Jupyter fills an empty label with a space of no width, which is no name.
    const words = (text ?? "").replaceAll("\u200b", "").trim();
    return words === "null" ? "" : words;
  };

  /** @param {HTMLElement} field */
  const visibleName = (field) => {
    const label = field.closest(".jupyter-widgets")?.querySelector(":scope > label");
    return worded(label?.textContent) || worded(field.title) || worded(label?.getAttribute("title"))
      || worded(field.getAttribute("placeholder"));
  };

  /** @param {HTMLElement} field */
  const nameField = (field) => {
    if (worded(field.closest("label")?.textContent)) return;  // as that of a box to tick
    const label = document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    if (field.id && label?.checkVisibility() && worded(label.textContent)) return;
    const name = visibleName(field);
    if (name && field.getAttribute("aria-label") !== name) field.setAttribute("aria-label", name);
  };

  /** @param {Element} element */
  const nameFields = (element) => {
    const fields = element.matches(FIELDS) ? [element] : element.querySelectorAll(FIELDS);
    for (const field of fields) if (field instanceof HTMLElement) nameField(field);
  };

  new MutationObserver((changes) => {
    const changed = new Set();  // a drawing alone adds thousands of nodes to one widget
    for (const { type, target, addedNodes } of changes) {
      for (const node of type === "attributes" ? [target] : addedNodes) {
        if (node instanceof HTMLElement) changed.add(node.closest(".jupyter-widgets") ?? node);
      }
    }
    changed.forEach(nameFields);
  }).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["title", "placeholder"],
  });
})();
