// A button and a place to drop files. Each file goes to Python in a message of its own, so that
// none grows beyond what a message may hold; what is larger than `most_bytes` goes by name alone.
function render({ model, el }) {
  const label = document.createElement("label");
  label.className = "sl-drop";
  const input = document.createElement("input");
  input.type = "file";
  input.accept = model.get("accept");
  input.multiple = true;
  const words = document.createElement("span");
  words.className = "sl-drop-button";
  const hint = document.createElement("span");
  hint.className = "sl-hint";
  hint.textContent = "or drop them here";
  label.append(input, words, hint);
  el.append(label);

  const draw = () => {
    words.textContent = model.get("description");
    input.disabled = model.get("disabled");
    label.classList.toggle("sl-disabled", input.disabled);
  };
  model.on("change:description change:disabled", draw);
  draw();

  const send = async (list) => {
    const files = [...list];
    for (const [index, file] of files.entries()) {
      const about = { name: file.name, size: file.size, left: files.length - index - 1 };
      const small = file.size <= model.get("most_bytes");
      model.send(about, undefined, small ? [await file.arrayBuffer()] : []);
    }
  };
  input.addEventListener("change", async () => {
    await send(input.files);
    input.value = "";  // so that the same file can be chosen again
  });
  const over = (event, inside) => {
    event.preventDefault();
    label.classList.toggle("sl-over", inside && !input.disabled);
  };
  label.addEventListener("dragover", (event) => over(event, true));
  label.addEventListener("dragleave", (event) => over(event, false));
  label.addEventListener("drop", (event) => {
    over(event, false);
    if (!input.disabled) send(event.dataTransfer.files);
  });
}
export default { render };
