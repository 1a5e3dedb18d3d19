// A page of its own in a frame that reaches nothing around it. Where our server shows this, a
// document in `srcdoc` would be held to the policy of the page, which runs no inline script; so the
// server has an empty document for it (`sightline-frame`), with a policy and an origin of its own.
const LONGEST_ID = 200;  // what a frame says is a stranger's word

function render({ model, el }) {
  const address = document.querySelector("meta[name=sightline-frame]")?.content;
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
  const tell = (words) => frame?.contentWindow?.postMessage(words, "*");  // its origin is opaque
  const point = () => tell({ kind: "sightline-select", id: model.get("selected") });
  const hear = ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data === "sightline-frame-ready") tell(model.get("page"));
    else if (data?.kind === "sightline-drawn") point();
    else if (data?.kind === "sightline-select" && typeof data.id === "string"
      && data.id.length <= LONGEST_ID && data.id !== model.get("selected")) {
      model.set("selected", data.id);
      model.save_changes();
    }
  };
  window.addEventListener("message", hear);
  model.on("change:page", draw);
  model.on("change:selected", point);
  draw();
  return () => {
    window.removeEventListener("message", hear);
    model.off("change:page", draw);
    model.off("change:selected", point);
  };
}
export default { render };
