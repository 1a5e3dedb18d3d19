// A page of its own in a frame that reaches nothing around it. Where our server shows this, a
// document in `srcdoc` would be held to the policy of the page, which runs no inline script; so the
// server has an empty document for it (`sightline-frame`), with a policy and an origin of its own.

/**
 * @typedef {object} Traits
 * @property {string} page An HTML document, or empty.
 * @property {string} selected
 * @property {string} title
 * @property {string} height
 */
/** @typedef {{ pictures: string[] }} Asked Ids of those whose pictures are to be sent. */
/** @typedef {{ kind: string, pictures: Record<string, string> }} Pictures By id. */
/** @typedef {WidgetModel<Traits, Asked, Pictures>} Model */

const LONGEST_ID = 200;  // what a frame sends is a stranger's word

/** @param {unknown} id */
const isId = (id) => typeof id === "string" && id.length <= LONGEST_ID;

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  const meta = document.querySelector("meta[name=sightline-frame]");
  const address = meta instanceof HTMLMetaElement ? meta.content : "";
  /** @type {HTMLIFrameElement | null} */
  let frame = null;

  const draw = () => {
    frame?.remove();
    frame = document.createElement("iframe");
    frame.className = "sl-frame";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = model.get("title");
    frame.style.cssText = "display: block; width: 100%; border: 0";
    frame.style.height = model.get("height");
    if (address) frame.src = address;
    else frame.srcdoc = model.get("page");
    if (model.get("page")) el.append(frame);
  };
  /** @param {string | { kind: string, id?: string, pictures?: Record<string, string> }} message */
  const post = (message) => {
    frame?.contentWindow?.postMessage(message, "*");  // its origin is opaque
  };
  const postSelected = () => post({ kind: "sightline-select", id: model.get("selected") });
  /** @param {MessageEvent<unknown>} event */
  const receive = ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data === "sightline-frame-ready") {
      post(model.get("page"));
      return;
    }
    if (typeof data !== "object" || data === null || !("kind" in data)) return;
    if (data.kind === "sightline-drawn") {
      postSelected();
    } else if (data.kind === "sightline-select" && "id" in data && typeof data.id === "string"
      && data.id.length <= LONGEST_ID && data.id !== model.get("selected")) {
      model.set("selected", data.id);
      model.save_changes();
    } else if (data.kind === "sightline-pictures" && "ids" in data && Array.isArray(data.ids)) {
      model.send({ pictures: data.ids.filter(isId) });
    }
  };
  /** @type {MessageListener<Pictures>} */
  const hand = ({ kind, pictures }) => {
    if (kind === "pictures") post({ kind: "sightline-pictures", pictures });
  };
  window.addEventListener("message", receive);
  model.on("change:page", draw);
  model.on("change:selected", postSelected);
  model.on("msg:custom", hand);
  draw();
  return () => {
    window.removeEventListener("message", receive);
    model.off("change:page", draw);
    model.off("change:selected", postSelected);
    model.off("msg:custom", hand);
  };
}
export default { render };
