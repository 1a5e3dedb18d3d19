// A Plotly figure that is replaced as a whole: what has not changed stays, zoom included. Plotly's
// own script comes last, when the page has nothing else to do, and once for all figures.

/**
 * @typedef {object} Traits
 * @property {string} figure As Plotly writes it.
 * @property {object} config Of the figure: which buttons it has.
 */
/** @typedef {{ kind: "script" } | { kind: "click", customdata: unknown }} Message */
/** @typedef {WidgetModel<Traits, Message, { kind: string }>} Model */

/**
 * @param {Model} model
 * @returns {Promise<PlotlyScript>}
 */
function loadPlotly(model) {
  if (globalThis.Plotly) return Promise.resolve(globalThis.Plotly);
  const served = /** @type {HTMLMetaElement | null} */ (
    document.querySelector("meta[name=sightline-plotly]"));
  // Each figure may have a module of its own: what they share lies outside of them.
  globalThis.sightlinePlotly ??= new Promise((resolve) => {
    model.on("msg:custom", async (message, buffers) => {
      if (message.kind !== "script" || globalThis.Plotly) return;
      const address = URL.createObjectURL(new Blob(buffers, { type: "text/javascript" }));
      await import(address);
      URL.revokeObjectURL(address);
      resolve(/** @type {PlotlyScript} */ (window.Plotly));  // the script has set it
    });
    const request = async () => {
      try {
        // A browser keeps it, and a slow line carries it compressed.
        if (served) await import(new URL(served.content, document.baseURI).href);
      } catch (error) {
        console.warn(error);  // the kernel has it too
      }
      if (window.Plotly) resolve(/** @type {PlotlyScript} */ (window.Plotly));
      else model.send({ kind: "script" });
    };
    if ("requestIdleCallback" in window) requestIdleCallback(request, { timeout: 3000 });
    else setTimeout(request, 300);
  });
  return globalThis.sightlinePlotly;
}

const NARROW = 480;  // pixels
const LEGEND_ROW = 24;

/**
 * Give an axis of time fewer ticks, and its legend and title a second line: for a telephone.
 *
 * @param {PlotlyLayout} layout
 * @returns {PlotlyLayout}
 */
function narrowed(layout) {
  const { xaxis, height = 450 } = layout;
  if (xaxis?.type !== "date") return layout;
  const title = { ...xaxis.title, text: (xaxis.title?.text ?? "").replace(" (", "<br>(") };
  return { ...layout, height: height + 2 * LEGEND_ROW,
    xaxis: { ...xaxis, title, nticks: 4, tickangle: 0 } };
}

/** @param {RenderProps<Model>} props */
async function render({ model, el }) {
  const container = document.createElement("div");
  container.className = "sl-plot";
  container.textContent = "Drawing…";
  el.append(container);

  const plotly = await loadPlotly(model);
  let closed = false;
  let waiting = false;  // a drawing is due
  let drawnWidth = 0;
  /** @type {PlotlyFigure | undefined} */
  let drawn;
  const draw = async () => {
    waiting = false;
    drawnWidth = container.clientWidth;
    if (closed || !drawnWidth) return;  // what is hidden is drawn when it is shown
    if (!drawn) container.textContent = "";
    const { data, layout: wide } = JSON.parse(model.get("figure"));
    // Else a figure keeps its width where the page gives it another without the window changing.
    const layout = { ...(drawnWidth < NARROW ? narrowed(wide) : wide), autosize: true };
    // Plotly leaves the height of the element to us.
    container.style.height = `${layout.height ?? 450}px`;
    // Else the drawing would keep its place from becoming narrower.
    const config = { ...model.get("config"), responsive: true };
    const figure = await plotly.react(container, data, layout, config);
    if (!drawn) figure.on("plotly_click", ({ points }) => {
      const customdata = points.map((point) => point.customdata).find((one) => one !== undefined);
      if (customdata !== undefined) model.send({ kind: "click", customdata });
    });
    drawn = figure;
  };
  // A figure takes tenths of a second. What is quick comes first, such as the candidates, and an
  // answer that also changes the layout of the page is drawn once, not at both of its widths.
  const drawSoon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => setTimeout(draw));
  };
  model.on("change:figure", drawSoon);
  let settling = 0;
  const fit = () => {
    if (container.clientWidth && container.clientWidth !== drawnWidth) drawSoon();
  };
  const sizes = new ResizeObserver(() => {
    clearTimeout(settling);
    // Another width mostly comes with another figure, or while somebody drags an edge.
    settling = setTimeout(fit, drawnWidth ? 200 : 0);
  });
  sizes.observe(el);
  return () => {
    closed = true;
    clearTimeout(settling);
    sizes.disconnect();
    model.off("change:figure", drawSoon);
    plotly.purge(container);
  };
}
export default { render };
