// A Plotly figure that is replaced as a whole: what has not changed stays, zoom included. Plotly's
// own script comes last, when the page has nothing else to do, and once for all figures.
function plotly(model) {
  if (globalThis.Plotly) return Promise.resolve(globalThis.Plotly);
  // Each figure may have a module of its own: what they share lies outside of them.
  globalThis.sightlinePlotly ??= new Promise((resolve) => {
    model.on("msg:custom", async (message, buffers) => {
      if (message.kind !== "script" || globalThis.Plotly) return;
      const address = URL.createObjectURL(new Blob(buffers, { type: "text/javascript" }));
      await import(address);
      URL.revokeObjectURL(address);
      resolve(globalThis.Plotly);
    });
    const ask = () => model.send({ kind: "script" });
    if (globalThis.requestIdleCallback) requestIdleCallback(ask, { timeout: 3000 });
    else setTimeout(ask, 300);
  });
  return globalThis.sightlinePlotly;
}

async function render({ model, el }) {
  const figure = document.createElement("div");
  figure.className = "sl-plot";
  figure.textContent = "Drawing…";
  el.append(figure);

  const Plotly = await plotly(model);
  figure.textContent = "";
  const draw = () => {
    const { data, layout } = JSON.parse(model.get("figure"));
    return Plotly.react(figure, data, layout, { displaylogo: false, responsive: true });
  };
  await draw();
  figure.on("plotly_click", ({ points }) => {
    const chosen = points.map((point) => point.customdata).find((data) => data !== undefined);
    if (chosen !== undefined) model.send({ kind: "click", customdata: chosen });
  });
  model.on("change:figure", draw);
  const sizes = new ResizeObserver(() => Plotly.Plots.resize(figure));
  sizes.observe(el);
  return () => { sizes.disconnect(); model.off("change:figure", draw); Plotly.purge(figure); };
}
export default { render };
