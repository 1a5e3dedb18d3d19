// Gives images and videos on the page what their addresses name. Python keeps it: see media.py.

/**
 * @typedef {object} Traits
 * @property {string} mark What an address has before the name, and none of another kernel's.
 */
/** @typedef {{ found: [name: string, kind: string][] }} Found The content comes in buffers. */
/** @typedef {WidgetModel<Traits, { ask: string[] }, Found>} Model */
/** @typedef {HTMLImageElement | HTMLVideoElement} Shown */

const MOST_KEPT = 500;
const MOST_ASKED = 100;  // as in Python

/**
 * What has come, by name; what was shown least recently goes first.
 */
function createShelf() {
  /** @type {Map<string, string>} */
  const addresses = new Map();
  /** @param {string} name */
  const find = (name) => {
    const address = addresses.get(name);
    if (address && addresses.delete(name)) addresses.set(name, address);
    return address;
  };
  /**
   * @param {string} name
   * @param {Blob} content
   */
  const put = (name, content) => {
    if (!addresses.has(name)) addresses.set(name, URL.createObjectURL(content));
    const [oldest] = addresses;
    if (addresses.size <= MOST_KEPT || !oldest) return;
    URL.revokeObjectURL(oldest[1]);  // an image that shows it goes on showing it
    addresses.delete(oldest[0]);
  };
  const clear = () => {
    for (const address of addresses.values()) URL.revokeObjectURL(address);
    addresses.clear();
  };
  return { find, put, clear };
}

/** @param {{ model: Model }} props */
function initialize({ model }) {
  const mark = model.get("mark"), shelf = createShelf();
  const selector = ["img", "video"].map((one) => `${one}[src*="${mark}"]`).join();
  /** @type {Set<string>} */
  const wanted = new Set();
  const ask = () => {
    const names = [...wanted].slice(0, MOST_ASKED);
    for (const name of names) wanted.delete(name);
    if (names.length) model.send({ ask: names });
    if (wanted.size) ask();
  };
  /** @param {Iterable<Shown>} shown */
  const fill = (shown) => {
    const none = wanted.size === 0;
    for (const one of shown) {
      const source = one.getAttribute("src") ?? "";
      const name = source.slice(source.indexOf(mark) + mark.length), address = shelf.find(name);
      if (address) one.src = address;
      else wanted.add(name);
    }
    if (none && wanted.size) queueMicrotask(ask);
  };
  /** @param {ParentNode} root */
  const look = (root) => fill(/** @type {NodeListOf<Shown>} */ (root.querySelectorAll(selector)));
  const observer = new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      for (const node of type === "attributes" ? [target] : addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches(selector)) fill([/** @type {Shown} */ (node)]);
        else if (node.firstElementChild) look(node);
      }
    }
  });
  /** @type {MessageListener<Found>} */
  const receive = ({ found }, buffers) => {
    for (const [index, [name, kind]] of found.entries()) {
      shelf.put(name, new Blob([buffers[index]], { type: kind }));
      fill(/** @type {NodeListOf<Shown>} */ (document.querySelectorAll(`[src$="${mark}${name}"]`)));
    }
  };
  model.on("msg:custom", receive);
  observer.observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
  look(document);
  return () => {
    observer.disconnect();
    model.off("msg:custom", receive);
    shelf.clear();
  };
}
export default { initialize };
