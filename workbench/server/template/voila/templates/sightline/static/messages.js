"use strict";
// Messages of the kernel: a control that it makes before the page has been told of all is left out.
//
// Once connected, the page asks for all controls. It handles message by message, so one that refers
// to an older control would wait for it in front of the answer that brings it, and nothing would
// ever be shown. The answer brings both.
(() => {
  const words = new TextDecoder();
  let told = false;

  /** @param {ArrayBuffer} message of the protocol v1: a table, then channel, header and so on */
  const read = (message) => {
    const table = new DataView(message);
    /** @param {number} part */
    const place = (part) => Number(table.getBigUint64(8 * (part + 1), true));
    /** @param {number} part */
    const text = (part) => words.decode(new Uint8Array(message, place(part), place(part + 1) - place(part)));
    return { kind: JSON.parse(text(1)).msg_type, content: () => text(4) };
  };

  /** @param {MessageEvent} event */
  const look = (event) => {
    if (told || !(event.data instanceof ArrayBuffer)) return;
    const { kind, content } = read(event.data);
    if (kind === "comm_open") event.stopImmediatePropagation();
    // Where it is not told of all at once, it asks which there are, and then after each.
    told = kind === "comm_info_reply" || (kind === "comm_msg" && content().includes('"update_states"'));
  };

  window.WebSocket = class extends WebSocket {
    /** @param {string | URL} address @param {string | string[]} [protocols] */
    constructor(address, protocols) {
      super(address, protocols);
      this.addEventListener("message", look);  // before whoever else listens
    }
  };
})();
