// Cameras on a Leaflet map, drawn on one canvas that reaches half a window beyond the map on each
// side: while the map is moved nothing is drawn at all, and what is then drawn is bounded by the
// pixels there are, not by the cameras.

/**
 * @typedef {object} Traits
 * @property {string} map Jupyter's reference to the map.
 * @property {DataView<ArrayBuffer>} places (n, 2) float32: longitude and latitude from the origin.
 * @property {[longitude: number, latitude: number]} origin
 * @property {DataView<ArrayBuffer>} marks (n,) uint8: outside, inside, picked.
 * @property {boolean} picking
 * @property {number[]} fitted West, south, east and north of what is shown at first, or nothing.
 */
/** @typedef {WidgetModel<Traits, { kind: "point" | "pick", camera: number }>} Model */
/** @typedef {{ x: Float64Array, y: Float64Array }} Places Shares of the globe's width. */
/**
 * What the canvas covers.
 *
 * @typedef {object} View
 * @property {number} x World pixels at its left edge.
 * @property {number} y World pixels at its upper edge.
 * @property {number} scale World pixels around the globe.
 * @property {number} width Pixels.
 * @property {number} height Pixels.
 */
/**
 * @typedef {object} Visible
 * @property {number} count How many cameras are in view.
 * @property {number[]} cameras The first of them, at most DENSE.
 * @property {number} columns Cells in a row.
 * @property {Uint8Array} kinds Of each cell: 0 where it is empty, else 1 + the highest mark in it.
 * @property {Uint32Array} crowd Of each cell: how many cameras are in it.
 */

const DENSE = 4000;  // more symbols than this, and cells of the screen are drawn instead
const CELL = 4;      // pixels
const NEAR = 10;     // pixels within which a camera is pointed at
/** @type {{ paddingTopLeft: L.Offset, paddingBottomRight: L.Offset }} */
const ROOM = { paddingTopLeft: [64, 32], paddingBottomRight: [48, 40] };  // for the controls
const [OUTSIDE, INSIDE, PICKED] = [0, 1, 2];
const KINDS = [OUTSIDE, INSIDE, PICKED];  // in the order of drawing

/**
 * The Leaflet map that *model* refers to, as soon as it is drawn.
 *
 * @param {Model} model
 * @returns {Promise<L.Map>}
 */
async function leafletMap(model) {
  const id = model.get("map").replace("IPY_MODEL_", "");
  const map = await model.widget_manager.get_model(id);
  for (;;) {
    for (const promised of Object.values(map.views ?? {})) {
      const view = /** @type {{ obj?: L.Map }} */ (await promised);
      if (view.obj?.getPane?.("mapPane") && view.obj._loaded) return view.obj;
    }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/**
 * Web Mercator as shares of the globe's width: world pixels are 256 * 2 ** zoom of them.
 *
 * @param {DataView<ArrayBuffer>} view
 * @param {[longitude: number, latitude: number]} origin
 * @returns {Places}
 */
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

/** @param {DataView<ArrayBuffer>} view */
function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** @param {L.Map} map */
function createCanvas(map) {
  const pane = map.getPane("sl-cameras") ?? map.createPane("sl-cameras");
  pane.style.zIndex = "450";
  pane.style.pointerEvents = "none";
  const canvas = document.createElement("canvas");
  canvas.className = "sl-cameras";
  canvas.style.position = "absolute";
  pane.append(canvas);
  return canvas;
}

/**
 * Lay the empty canvas over the map as it is now.
 *
 * @param {CanvasRenderingContext2D} brush
 * @param {L.Map} map
 * @returns {View | null} Null where the map has no size.
 */
function coverMap(brush, map) {
  const size = map.getSize();
  if (!size.x || !size.y) return null;
  const [width, height] = [2 * size.x, 2 * size.y];
  const { canvas } = brush;
  const sharpness = globalThis.devicePixelRatio || 1;
  canvas.width = width * sharpness;
  canvas.height = height * sharpness;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const corner = map.containerPointToLayerPoint([-size.x / 2, -size.y / 2]);
  canvas.style.transform = `translate3d(${corner.x}px, ${corner.y}px, 0)`;
  canvas.style.visibility = "";
  brush.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  const origin = map.getPixelOrigin();
  const scale = 256 * 2 ** map.getZoom();
  return { x: origin.x + corner.x, y: origin.y + corner.y, scale, width, height };
}

/**
 * @param {Places} places
 * @param {Uint8Array} marks
 * @param {View} view
 * @returns {Visible}
 */
function camerasInView(places, marks, view) {
  const columns = Math.ceil(view.width / CELL);
  const kinds = new Uint8Array(columns * Math.ceil(view.height / CELL));
  const crowd = new Uint32Array(kinds.length);
  /** @type {number[]} */
  const cameras = [];
  let count = 0;
  for (let i = 0; i < marks.length; i++) {
    const x = places.x[i] * view.scale - view.x;
    const y = places.y[i] * view.scale - view.y;
    if (x < 0 || y < 0 || x >= view.width || y >= view.height) continue;
    if (count++ < DENSE) cameras.push(i);
    const cell = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
    kinds[cell] = Math.max(kinds[cell], marks[i] + 1);
    crowd[cell] += 1;
  }
  return { count, cameras, columns, kinds, crowd };
}

/** @param {number} kind */
function colour(kind) {
  return kind === OUTSIDE ? "#5d6b78" : "#0b4f6c";
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} kind
 * @param {number} x
 * @param {number} y
 */
function drawSymbol(brush, kind, x, y) {
  brush.beginPath();
  if (kind === PICKED) brush.rect(x - 6, y - 6, 12, 12);
  else brush.arc(x, y, kind === INSIDE ? 7 : 4.5, 0, 2 * Math.PI);
  brush.fillStyle = colour(kind);
  brush.fill();
  brush.lineWidth = 1.75;
  brush.strokeStyle = "#ffffff";
  brush.stroke();
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number[]} cameras
 * @param {Places} places
 * @param {Uint8Array} marks
 * @param {View} view
 */
function drawSymbols(brush, cameras, places, marks, view) {
  for (const kind of KINDS) {
    for (const i of cameras) {
      if (marks[i] !== kind) continue;
      drawSymbol(brush, kind, places.x[i] * view.scale - view.x, places.y[i] * view.scale - view.y);
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Visible} visible
 */
function drawCells(brush, { columns, kinds, crowd }) {
  for (const kind of KINDS) {
    brush.fillStyle = colour(kind);
    const side = kind === OUTSIDE ? CELL - 2 : CELL;
    for (let cell = 0; cell < kinds.length; cell++) {
      if (kinds[cell] !== kind + 1) continue;
      brush.globalAlpha = Math.min(1, 0.35 + 0.11 * Math.log2(crowd[cell]));
      brush.fillRect((cell % columns) * CELL, Math.floor(cell / columns) * CELL, side, side);
    }
  }
  brush.globalAlpha = 1;
}

/**
 * @param {Places} places
 * @param {number} scale World pixels around the globe.
 * @param {L.Point} point World pixels.
 * @returns {number} The number of the nearest camera, or -1 where none is near.
 */
function nearestCamera(places, scale, { x, y }) {
  let best = NEAR * NEAR;
  let nearest = -1;
  for (let i = 0; i < places.x.length; i++) {
    const dx = places.x[i] * scale - x;
    if (dx * dx > best) continue;
    const dy = places.y[i] * scale - y;
    if (dx * dx + dy * dy < best) [best, nearest] = [dx * dx + dy * dy, i];
  }
  return nearest;
}

/**
 * The cameras on the map, and which of them the mouse is at.
 *
 * @param {L.Map} map
 * @param {Model} model
 */
function createLayer(map, model) {
  const canvas = createCanvas(map);
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let places = mercator(model.get("places"), model.get("origin"));
  /** @type {View | null} What is drawn. */
  let drawn = null;

  const draw = () => {
    const began = performance.now();
    const view = coverMap(brush, map);
    if (!view) return;
    drawn = view;
    const marks = bytes(model.get("marks"));
    const visible = camerasInView(places, marks, view);
    if (visible.count <= DENSE) drawSymbols(brush, visible.cameras, places, marks, view);
    else drawCells(brush, visible);
    // For tests: how many are drawn, in how long, and where the first ones are.
    canvas.dataset.shown = String(visible.count);
    canvas.dataset.first = JSON.stringify(Array.from({ length: Math.min(marks.length, 20) },
      (_, i) => [places.x[i] * view.scale - view.x, places.y[i] * view.scale - view.y]));
    canvas.dataset.milliseconds = (performance.now() - began).toFixed(1);
  };
  const replace = () => {
    places = mercator(model.get("places"), model.get("origin"));
    draw();
  };
  const hide = () => { canvas.style.visibility = "hidden"; };
  /** @param {L.MouseEvent} event */
  const cameraAt = (event) => {
    if (!drawn) return -1;
    const point = map.mouseEventToLayerPoint(event.originalEvent).add(map.getPixelOrigin());
    return nearestCamera(places, drawn.scale, point);
  };
  return { canvas, draw, replace, hide, cameraAt };
}

/**
 * What the mouse does: tell Python the camera pointed at, and the one clicked while picking.
 *
 * @param {Model} model
 * @param {(event: L.MouseEvent) => number} cameraAt
 */
function createPointer(model, cameraAt) {
  let pointed = -1;
  /** @type {number | null} */
  let waiting = null;
  /** @param {L.MouseEvent} event */
  const point = (event) => {
    waiting ??= requestAnimationFrame(() => {
      waiting = null;
      const camera = cameraAt(event);
      if (camera === pointed) return;
      pointed = camera;
      model.send({ kind: "point", camera });
    });
  };
  /** @param {L.MouseEvent} event */
  const pick = (event) => {
    if (!model.get("picking")) return;
    const camera = cameraAt(event);
    if (camera >= 0) model.send({ kind: "pick", camera });
  };
  const leave = () => {
    if (waiting !== null) cancelAnimationFrame(waiting);
    waiting = null;
    if (pointed < 0) return;
    pointed = -1;
    model.send({ kind: "point", camera: -1 });
  };
  return { point, pick, leave };
}

/**
 * Show an area, or else all cameras, once, as soon as the map has a size.
 *
 * @param {L.Map} map
 * @param {Places} places
 * @param {number[]} area West, south, east and north, or nothing.
 */
function fitMap(map, { x, y }, area) {
  if (!x.length || !map.getSize().x) return !x.length;
  if (area.length) {
    map.fitBounds([[area[1], area[0]], [area[3], area[2]]], { ...ROOM, animate: false });
    return true;
  }
  let [west, east, north, south] = [1, 0, 1, 0];
  for (let i = 0; i < x.length; i++) {
    [west, east] = [Math.min(west, x[i]), Math.max(east, x[i])];
    [north, south] = [Math.min(north, y[i]), Math.max(south, y[i])];
  }
  const latitude = (/** @type {number} */ share) => (
    (Math.atan(Math.sinh(Math.PI * (1 - 2 * share))) * 180) / Math.PI);
  map.fitBounds(
    [[latitude(south), west * 360 - 180], [latitude(north), east * 360 - 180]],
    { ...ROOM, maxZoom: 17, animate: false });
  return true;
}

/**
 * Let the wheel scroll the page, and zoom with Ctrl alone.
 *
 * @param {L.Map} map
 */
function createWheel(map) {
  /** @param {WheelEvent} event */
  return ({ ctrlKey, metaKey }) => {
    if (ctrlKey || metaKey) map.scrollWheelZoom.enable();
    else map.scrollWheelZoom.disable();
  };
}

/**
 * Keep what was drawn above the ground, whichever of the two came first.
 *
 * @param {L.Map} map
 */
function createOrder(map) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      map.eachLayer((layer) => {
        // The drawing tools keep the style of a shape with it; streets and waters have none.
        if (layer.feature?.properties?.style) layer.bringToFront?.();
      });
    });
  };
}

/** @param {RenderProps<Model>} props */
async function render({ model, el }) {
  el.style.display = "none";
  const map = await leafletMap(model);
  let fitted = false;
  const sizes = new ResizeObserver(() => {
    map.invalidateSize({ pan: false });
    fitted ||= fitMap(
      map, mercator(model.get("places"), model.get("origin")), model.get("fitted"));
  });
  const wheel = createWheel(map);
  map.getContainer().addEventListener("wheel", wheel, { capture: true, passive: true });
  const { canvas, draw, replace, hide, cameraAt } = createLayer(map, model);
  const { point, pick, leave } = createPointer(model, cameraAt);
  const showCursor = () => {
    map.getContainer().classList.toggle("sl-picking", model.get("picking"));
  };

  const order = createOrder(map);

  map.on("layeradd", order);
  map.on("moveend resize", draw);
  map.on("zoomstart", hide);
  map.on("mousemove", point);
  map.on("mouseout", leave);
  map.on("click", pick);
  model.on("change:marks", draw);
  model.on("change:places", replace);
  model.on("change:picking", showCursor);
  showCursor();
  order();
  draw();
  sizes.observe(map.getContainer());
  return () => {
    sizes.disconnect();
    map.getContainer().removeEventListener("wheel", wheel, { capture: true });
    map.off("layeradd", order);
    map.off("moveend resize", draw);
    map.off("zoomstart", hide);
    map.off("mousemove", point);
    map.off("mouseout", leave);
    map.off("click", pick);
    model.off("change:marks", draw);
    model.off("change:places", replace);
    model.off("change:picking", showCursor);
    canvas.remove();
  };
}
export default { render };
