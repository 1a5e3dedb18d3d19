// Tells the document around a page what the bar on top of it shows: the case that is chosen and,
// where no server of ours knows it, the pages there are. In a notebook nobody listens.

/**
 * @typedef {object} Traits
 * @property {string} chosen The case.
 * @property {{ name: string, title: string }[]} pages
 * @property {string} account
 */

/** @param {RenderProps<WidgetModel<Traits>>} props */
function render({ model, el }) {
  el.style.display = "none";
  const tell = () => {
    const detail = {
      chosen: model.get("chosen"), pages: model.get("pages"), account: model.get("account"),
    };
    dispatchEvent(new CustomEvent("sightline-page", { detail }));
  };
  model.on("change:chosen", tell);
  tell();
  return () => model.off("change:chosen", tell);
}
export default { render };
