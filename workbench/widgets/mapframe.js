// A page of its own in a frame that reaches nothing around it. Where our server shows this, a
// document in `srcdoc` would be held to the policy of the page, which runs no inline script; so the
// server has an empty document for it (`sightline-frame`), with a policy and an origin of its own.
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
  const answer = (event) => {
    if (event.data === "sightline-frame-ready" && event.source === frame?.contentWindow) {
      event.source.postMessage(model.get("page"), "*");  // its origin is opaque and has no name
    }
  };
  window.addEventListener("message", answer);
  model.on("change:page", draw);
  draw();
  return () => window.removeEventListener("message", answer);
}
export default { render };
