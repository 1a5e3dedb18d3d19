/* Searching where the site is opened from the disk: browsers start no Worker for a file, so what
   would be one runs in a hidden frame. Elsewhere nothing changes. */

(() => {
  if (location.protocol !== "file:") return;

  /** The part of a Worker that the search of the site uses. */
  class WorkerInFrame extends EventTarget {
    /** @param {string | URL} address */
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><title>Search</title>";
      /** @type {Promise<Window>} */
      this.inside = new Promise((resolve) => {
        frame.addEventListener("load", () => resolve(this.start(frame, String(address))), {
          once: true,
        });
      });
      document.body.append(frame);
    }

    /**
     * @param {HTMLIFrameElement} frame
     * @param {string} address
     * @returns {Promise<Window>}
     */
    start(frame, address) {
      const inside = /** @type {Window} */ (frame.contentWindow);
      inside.postMessage = (/** @type {unknown} */ data) => {
        this.dispatchEvent(new MessageEvent("message", { data }));
      };
      const script = inside.document.createElement("script");
      script.src = address;
      return new Promise((resolve) => {
        script.addEventListener("load", () => resolve(inside), { once: true });
        inside.document.body.append(script);
      });
    }

    /** @param {unknown} data */
    async postMessage(data) {
      const inside = await this.inside;
      inside.dispatchEvent(new MessageEvent("message", { data }));
    }
  }

  window.Worker = /** @type {typeof Worker} */ (/** @type {unknown} */ (WorkerInFrame));
})();
