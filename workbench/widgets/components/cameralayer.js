// Cameras on a Leaflet map, drawn on one canvas that reaches half a window beyond the map on each
// side: while the map is moved nothing is drawn at all, and what is then drawn is bounded by the
// pixels there are, not by the cameras.
const DENSE = 4000;  // more symbols than this, and cells of the screen are drawn instead
const CELL = 4;      // pixels
const NEAR = 10;     // pixels within which a camera is pointed at
const [OUTSIDE, INSIDE, PICKED] = [0, 1, 2];

async function leaflet(model) {
  const id = model.get("map").replace("IPY_MODEL_", "");
  const map = await model.widget_manager.get_model(id);
  for (;;) {
    for (const view of Object.values(map.views ?? {})) {
      const drawn = await view;
      if (drawn.obj?.getPane?.("mapPane") && drawn.obj._loaded) return drawn.obj;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Web Mercator as parts of the globe's width: world pixels are 256 * 2 ** zoom of them.
function mercator(view, [longitude, latitude]) {
  const degrees = new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4);
  const x = new Float64Array(degrees.length / 2);
  const y = new Float64Array(degrees.length / 2);
  for (let i = 0; i < x.length; i++) {
    x[i] = (longitude + degrees[2 * i] + 180) / 360;
    const angle = ((latitude + degrees[2 * i + 1]) * Math.PI) / 180;
    y[i] = 0.5 - Math.asinh(Math.tan(angle)) / (2 * Math.PI);
  }
  return { x, y };
}

function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

async function render({ model, el }) {
  el.style.display = "none";
  let closed = false;
  const map = await leaflet(model);
  if (closed) return;
  const pane = map.getPane("sl-cameras") ?? map.createPane("sl-cameras");
  pane.style.zIndex = 450;
  pane.style.pointerEvents = "none";
  const canvas = document.createElement("canvas");
  canvas.className = "sl-cameras";
  canvas.style.position = "absolute";
  pane.append(canvas);
  const brush = canvas.getContext("2d");
  let places = mercator(model.get("places"), model.get("origin"));
  let spot = null;  // what is drawn: offset of the canvas in world pixels, and the scale

  const symbol = (kind, x, y) => {
    brush.beginPath();
    if (kind === PICKED) brush.rect(x - 6, y - 6, 12, 12);
    else brush.arc(x, y, kind === INSIDE ? 7 : 4.5, 0, 2 * Math.PI);
    brush.fillStyle = kind === OUTSIDE ? "#5d6b78" : "#0b4f6c";
    brush.fill();
    brush.lineWidth = 1.75;
    brush.strokeStyle = "#ffffff";
    brush.stroke();
  };

  const draw = () => {
    const began = performance.now();
    const size = map.getSize();
    if (!size.x || !size.y) return;
    const [width, height] = [2 * size.x, 2 * size.y];
    const sharp = globalThis.devicePixelRatio || 1;
    canvas.width = width * sharp;
    canvas.height = height * sharp;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const corner = map.containerPointToLayerPoint([-size.x / 2, -size.y / 2]);
    canvas.style.transform = `translate3d(${corner.x}px, ${corner.y}px, 0)`;
    canvas.style.visibility = "";
    brush.setTransform(sharp, 0, 0, sharp, 0, 0);

    const origin = map.getPixelOrigin();
    const scale = 256 * 2 ** map.getZoom();
    spot = { x: origin.x + corner.x, y: origin.y + corner.y, scale };
    const marks = bytes(model.get("marks"));
    const columns = Math.ceil(width / CELL);
    const cells = new Uint8Array(columns * Math.ceil(height / CELL));
    const crowd = new Uint32Array(cells.length);
    const seen = [];
    let count = 0;
    for (let i = 0; i < marks.length; i++) {
      const x = places.x[i] * scale - spot.x;
      const y = places.y[i] * scale - spot.y;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      if (count++ < DENSE) seen.push(i);
      const cell = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
      cells[cell] = Math.max(cells[cell], marks[i] + 1);
      crowd[cell] += 1;
    }
    if (count <= DENSE) {
      for (const kind of [OUTSIDE, INSIDE, PICKED]) {
        for (const i of seen) {
          if (marks[i] !== kind) continue;
          symbol(kind, places.x[i] * scale - spot.x, places.y[i] * scale - spot.y);
        }
      }
    } else {
      for (const kind of [OUTSIDE, INSIDE, PICKED]) {
        brush.fillStyle = kind === OUTSIDE ? "#5d6b78" : "#0b4f6c";
        const side = kind === OUTSIDE ? CELL - 2 : CELL;
        for (let cell = 0; cell < cells.length; cell++) {
          if (cells[cell] !== kind + 1) continue;
          brush.globalAlpha = Math.min(1, 0.35 + 0.11 * Math.log2(crowd[cell]));
          brush.fillRect((cell % columns) * CELL, Math.floor(cell / columns) * CELL, side, side);
        }
      }
    }
    brush.globalAlpha = 1;
    // For tests: how many are drawn, in how long, and where the first ones are.
    canvas.dataset.shown = count;
    canvas.dataset.first = JSON.stringify(Array.from({ length: Math.min(marks.length, 20) },
      (_, i) => [places.x[i] * scale - spot.x, places.y[i] * scale - spot.y]));
    canvas.dataset.milliseconds = (performance.now() - began).toFixed(1);
  };

  const nearest = (event) => {
    if (!spot) return -1;
    const origin = map.getPixelOrigin();
    const { x, y } = map.mouseEventToLayerPoint(event.originalEvent).add(origin);
    let best = NEAR * NEAR;
    let found = -1;
    for (let i = 0; i < places.x.length; i++) {
      const dx = places.x[i] * spot.scale - x;
      if (dx * dx > best) continue;
      const dy = places.y[i] * spot.scale - y;
      if (dx * dx + dy * dy < best) [best, found] = [dx * dx + dy * dy, i];
    }
    return found;
  };

  let pointed = -1;
  let waiting = null;
  const point = (event) => {
    waiting ??= requestAnimationFrame(() => {
      waiting = null;
      const found = nearest(event);
      if (found === pointed) return;
      pointed = found;
      model.send({ kind: "point", camera: found });
    });
  };
  const pick = (event) => {
    if (!model.get("picking")) return;
    const found = nearest(event);
    if (found >= 0) model.send({ kind: "pick", camera: found });
  };
  const cursor = () => map.getContainer().classList.toggle("sl-picking", model.get("picking"));
  const replace = () => { places = mercator(model.get("places"), model.get("origin")); draw(); };
  const hide = () => { canvas.style.visibility = "hidden"; };

  map.on("moveend resize", draw);
  map.on("zoomstart", hide);
  map.on("mousemove", point);
  map.on("click", pick);
  model.on("change:marks", draw);
  model.on("change:places", replace);
  model.on("change:picking", cursor);
  cursor();
  draw();
  return () => {
    closed = true;
    map.off("moveend resize", draw);
    map.off("zoomstart", hide);
    map.off("mousemove", point);
    map.off("click", pick);
    model.off("change:marks", draw);
    model.off("change:places", replace);
    model.off("change:picking", cursor);
    canvas.remove();
  };
}
export default { render };
