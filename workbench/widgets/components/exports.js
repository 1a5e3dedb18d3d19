// Hands files to the browser: what Python sends is saved under its name, and no server is asked.

/** @typedef {{ kind: string, name: string, type: string }} FileMessage */
/** @typedef {WidgetModel<{}, never, FileMessage>} Model */

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  /** @type {MessageListener<FileMessage>} */
  const save = (message, buffers) => {
    if (message.kind !== "file") return;
    const address = URL.createObjectURL(new Blob(buffers, { type: message.type }));
    const link = document.createElement("a");
    link.href = address;
    link.download = message.name;
    el.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);  // Chromium reads it later
  };
  model.on("msg:custom", save);
  return () => model.off("msg:custom", save);
}
export default { render };
