// A button and a place to drop files. Each file goes to Python in a message of its own, so that
// none grows beyond what a message may hold; what is larger than `most_bytes` goes by name alone.

/**
 * @typedef {object} Traits
 * @property {string} description
 * @property {string} accept
 * @property {boolean} disabled
 * @property {number} most_bytes
 */
/**
 * @typedef {object} FileMessage
 * @property {string} name
 * @property {number} size Bytes.
 * @property {number} left How many files follow this one.
 */
/** @typedef {WidgetModel<Traits, FileMessage>} Model */

/** The label, which is also the place to drop files on, with what it holds. */
function createLabel() {
  const label = document.createElement("label");
  label.className = "sl-drop";
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  const description = document.createElement("span");
  description.className = "sl-drop-button";
  const hint = document.createElement("span");
  hint.className = "sl-hint";
  hint.textContent = "or drop here";
  label.append(input, description, hint);
  return { label, input, description };
}

/** @param {RenderProps<Model>} props */
function render({ model, el }) {
  const { label, input, description } = createLabel();
  input.accept = model.get("accept");
  el.append(label);

  const draw = () => {
    description.textContent = model.get("description");
    input.disabled = model.get("disabled");
    label.classList.toggle("sl-disabled", input.disabled);
  };
  model.on("change:description", draw);
  model.on("change:disabled", draw);
  draw();

  /** @param {FileList | null | undefined} list */
  const send = async (list) => {
    const files = [...(list ?? [])];
    for (const [index, file] of files.entries()) {
      const message = { name: file.name, size: file.size, left: files.length - index - 1 };
      const small = file.size <= model.get("most_bytes");
      model.send(message, undefined, small ? [await file.arrayBuffer()] : []);
    }
  };
  input.addEventListener("change", async () => {
    await send(input.files);
    input.value = "";  // so that the same file can be chosen again
  });
  /**
   * @param {DragEvent} event
   * @param {boolean} inside
   */
  const showDrag = (event, inside) => {
    event.preventDefault();
    label.classList.toggle("sl-over", inside && !input.disabled);
  };
  label.addEventListener("dragover", (event) => showDrag(event, true));
  label.addEventListener("dragleave", (event) => showDrag(event, false));
  label.addEventListener("drop", (event) => {
    showDrag(event, false);
    if (!input.disabled) send(event.dataTransfer?.files);
  });
}
export default { render };
