// Brings a part of the page into view and gives it the keyboard's focus, which it never loses.

/** @typedef {WidgetModel<{}, never, { show: string, focus: string }>} Model */

const PATIENCE_MS = 3000;  // until a part that was just changed is drawn

/**
 * Wait until a part of the page is drawn.
 *
 * @param {ParentNode} page
 * @param {string} selector
 * @returns {Promise<HTMLElement | null>} Null where it does not come.
 */
async function drawnPart(page, selector) {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const part = page.querySelector(selector);
    if (part instanceof HTMLElement && part.checkVisibility()) return part;
    if (performance.now() > end) return null;
    await new Promise((resolve) => { setTimeout(resolve, 30); });
  }
}

const FOCUSABLE = "button, input, select, textarea, a[href], summary, [tabindex='0']";
const LOOK_MS = 200;

/** @param {Element} one */
const takesKeys = (one) => one.checkVisibility() && !("disabled" in one && one.disabled);

/** @param {ParentNode} part */
const controlsIn = (part) => [...part.querySelectorAll(FOCUSABLE)].filter(takesKeys);

/**
 * Keep the keyboard alive: where what had the focus is gone, hidden or disabled, the next control
 * of its panel takes it, or the first one of the page.
 *
 * @param {() => ParentNode} pageOf
 */
function keepFocus(pageOf) {
  /** @type {Element | null} */
  let last = null;
  /** @type {Element | null} The panel of that one. */
  let panel = null;
  const remember = () => {
    const at = document.activeElement;
    if (!at || at === last || at === document.body) return;
    last = pageOf().contains(at) ? at : null;
    panel = last?.closest(".sl-panel") ?? null;
  };
  const look = () => {
    const at = document.activeElement;
    const lost = last && (at === document.body || at === last)
      && !(last.isConnected && takesKeys(last));
    if (!lost) {
      remember();
      return;
    }
    const gone = last;
    const near = panel?.isConnected ? controlsIn(panel) : [];
    const after = gone?.isConnected && near.find((one) => (
      gone.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING));
    const next = after || near[0] || controlsIn(pageOf())[0];
    [last, panel] = [null, null];
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  };
  document.addEventListener("focusin", remember);
  const timer = setInterval(look, LOOK_MS);
  return () => {
    document.removeEventListener("focusin", remember);
    clearInterval(timer);
  };
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  el.style.display = "none";
  let last = 0;
  /** @param {{ show: string, focus: string }} message */
  const guide = async ({ show, focus }) => {
    const own = ++last;
    const page = el.closest(".sl-whole") ?? document;
    const [part, target] = [await drawnPart(page, show), await drawnPart(page, focus)];
    if (own !== last || !part || !target) return;  // another one was asked for meanwhile
    part.scrollIntoView({ block: "start" });
    if (!target.matches("button, input, select, textarea, a[href], [tabindex]")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  };
  model.on("msg:custom", guide);
  const stop = keepFocus(() => el.closest(".sl-whole") ?? document);
  return () => {
    stop();
    model.off("msg:custom", guide);
  };
}
export default { render };
