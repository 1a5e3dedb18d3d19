// A page of its own in a frame that reaches nothing around it. Where our server shows this, a
// document in `srcdoc` would be held to the policy of the page, which runs no inline script; so the
// server has an empty document for it (`sightline-frame`), with a policy and an origin of its own.
// The document is asked for and sent, as what is synchronised may be saved with a notebook.

/**
 * @typedef {object} Traits
 * @property {number} edition Which document is shown; 0 while there is none.
 * @property {string} selected
 * @property {string} title
 * @property {string} height
 */
/** @typedef {{ ask: "page", view: string } | { pictures: string[] }} Asked Pictures by their ids. */
/** @typedef {{ kind: "page", view: string, page: string }} Page To the view that asked, or all. */
/** @typedef {{ kind: "pictures", pictures: Record<string, string> }} Pictures By id. */
/** @typedef {WidgetModel<Traits, Asked, Page | Pictures>} Model */

const LONGEST_ID = 200;  // what a frame sends is a stranger's word

/** @param {unknown} id */
const isId = (id) => typeof id === "string" && id.length <= LONGEST_ID;

/**
 * Tell whether the page is dark, whenever that changes: as JupyterLab's theme is, else as the system.
 *
 * @param {(dark: boolean) => void} onChange
 */
function followScheme(onChange) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const light = document.body.dataset.jpThemeLight;
    onChange(light === undefined ? system.matches : light === "false");
  };
  const theme = new MutationObserver(tell);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", tell);
  const end = () => {
    theme.disconnect();
    system.removeEventListener("change", tell);
  };
  return { tell, end };
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  const meta = document.querySelector("meta[name=sightline-frame]");
  const address = meta instanceof HTMLMetaElement ? meta.content : "";
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  /** @type {HTMLIFrameElement | null} */
  let frame = null;
  let page = "";

  const note = document.createElement("p");
  note.className = "sl-hint";
  note.textContent = "This map is drawn by the running kernel, and is not saved.";
  const clear = () => {
    if (model.get("edition")) return;  // another document comes by itself
    el.replaceChildren();
    frame = null;
  };
  const draw = () => {
    frame = document.createElement("iframe");
    frame.className = "sl-frame";
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = model.get("title");
    frame.style.cssText = "display: block; width: 100%; border: 0";
    frame.style.height = model.get("height");
    frame.addEventListener("load", scheme.tell);
    if (address) frame.src = address;
    else frame.srcdoc = page;
    el.replaceChildren(frame);
  };
  /** @param {string | { kind: string, id?: string, dark?: boolean, pictures?: Record<string, string> }} message */
  const post = (message) => {
    frame?.contentWindow?.postMessage(message, "*");  // its origin is opaque
  };
  const scheme = followScheme((dark) => post({ kind: "sightline-scheme", dark }));
  const postSelected = () => post({ kind: "sightline-select", id: model.get("selected") });
  /** @param {MessageEvent<unknown>} event */
  const receive = ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data === "sightline-frame-ready") {
      post(page);
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
  /** @type {MessageListener<Page | Pictures>} */
  const hand = (message) => {
    if (message.kind === "pictures") {
      post({ kind: "sightline-pictures", pictures: message.pictures });
    } else if ((message.view === view || !message.view) && model.get("edition")) {
      page = message.page;
      draw();
    }
  };
  window.addEventListener("message", receive);
  model.on("change:edition", clear);
  model.on("change:selected", postSelected);
  model.on("msg:custom", hand);
  if (model.get("edition")) el.append(note);
  model.send({ ask: "page", view });
  return () => {
    scheme.end();
    window.removeEventListener("message", receive);
    model.off("change:edition", clear);
    model.off("change:selected", postSelected);
    model.off("msg:custom", hand);
  };
}
export default { render };
