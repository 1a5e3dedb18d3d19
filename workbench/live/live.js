// Shows what the kernel sends when it is asked. Nothing of that becomes a part of the model, whose
// state may be saved with the notebook: see view.py.

/**
 * @typedef {object} Traits
 * @property {string} sentence
 */
/** @typedef {{ jpeg: string, title: string, lines: string[] }} Face */
/** @typedef {{ kind: "faces", view: string, rows: Face[][], notices: string[] }} Faces */
/** @typedef {{ kind: "map", view: string, page: string }} MapPage */
/** @typedef {{ kind: "pictures", pictures: Record<string, string> }} Pictures By id. */
/** @typedef {{ ask: string, view: string } | { pictures: string[] }} Asked */
/** @typedef {WidgetModel<Traits, Asked, Faces | MapPage | Pictures>} Model */

const LONGEST_ID = 200;  // what a frame sends is a stranger's word

/**
 * @param {string} tag
 * @param {string} name
 * @param {string} [text]
 */
function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

/** @param {Faces} content */
function drawnFaces({ rows, notices }) {
  const all = document.createElement("div");
  all.append(...notices.map((notice) => element("p", "sl-live-notice", notice)));
  for (const row of rows) {
    const list = element("ul", "sl-live-faces");
    for (const { jpeg, title, lines } of row) {
      const card = element("li", "sl-live-face");
      const picture = document.createElement("img");
      picture.src = jpeg;
      picture.alt = [title, ...lines].join(", ");
      card.append(picture, element("strong", "", title));
      card.append(...lines.map((line) => element("span", "", line)));
      list.append(card);
    }
    all.append(list);
  }
  return all;
}

/** @param {MapPage} content */
function drawnMap({ page }) {
  const frame = document.createElement("iframe");
  frame.className = "sl-live-map";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "Map";
  frame.srcdoc = page;
  return frame;
}

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
  const view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  /** @type {HTMLIFrameElement | null} */
  let frame = null;

  const scheme = followScheme((dark) => {
    frame?.contentWindow?.postMessage({ kind: "sightline-scheme", dark }, "*");
  });
  /** @type {MessageListener<Faces | MapPage | Pictures>} */
  const receive = (message) => {
    if (message.kind === "pictures") {
      const sent = { kind: "sightline-pictures", pictures: message.pictures };
      frame?.contentWindow?.postMessage(sent, "*");  // its origin is opaque
    } else if (message.view === view) {
      if (message.kind === "faces") {
        el.replaceChildren(drawnFaces(message));
      } else {
        frame = drawnMap(message);
        frame.addEventListener("load", scheme.tell);
        el.replaceChildren(frame);
      }
    }
  };
  /** @param {MessageEvent<unknown>} event */
  const hand = ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (typeof data !== "object" || data === null || !("kind" in data) || !("ids" in data)) return;
    if (data.kind !== "sightline-pictures" || !Array.isArray(data.ids)) return;
    const ids = data.ids.filter((id) => typeof id === "string" && id.length <= LONGEST_ID);
    model.send({ pictures: ids });
  };

  el.classList.add("sl-live");
  el.append(element("p", "", model.get("sentence")));
  model.on("msg:custom", receive);
  window.addEventListener("message", hand);
  model.send({ ask: "content", view });
  return () => {
    scheme.end();
    model.off("msg:custom", receive);
    window.removeEventListener("message", hand);
  };
}
export default { render };
