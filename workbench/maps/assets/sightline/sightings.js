/* What our Folium maps draw. All text from outside is set as text, never as HTML. */
"use strict";

/**
 * A camera, as Python sends it.
 *
 * @typedef {object} CameraPlace
 * @property {string} id
 * @property {string} name
 * @property {number} latitude
 * @property {number} longitude Beyond 180 where the map crosses that meridian.
 * @property {number} level How many cameras before it hang at the same spot.
 */
/**
 * The symbol of a camera with candidates.
 *
 * @typedef {object} Plate
 * @property {number} count Of candidates.
 * @property {string} score The best one.
 * @property {boolean} [best] Whether the best candidate of all is here.
 * @property {number} [confirmed] How many are confirmed sightings.
 * @property {boolean} [rejected] Whether an analyst took all for somebody else.
 * @property {number[]} stops Of the route, from 1.
 */
/**
 * @typedef {object} PopupEntry
 * @property {string} id
 * @property {number} rank By score.
 * @property {number} [number] By time, where all are sightings.
 * @property {boolean} picture Whether the map has one, or can ask for it.
 * @property {boolean} confirmed
 * @property {boolean} rejected
 * @property {string} score
 * @property {string} time
 * @property {string} seen
 * @property {string} note What its time rests on, if it is corrected or uncertain.
 * @property {string} recording
 */
/**
 * A camera with candidates, as Python sends it.
 *
 * @typedef {object} CandidateInfo
 * @property {string[]} ids Best first.
 * @property {number[]} times In seconds.
 * @property {string} title
 * @property {string} summary
 * @property {PopupEntry[]} candidates
 * @property {number} omitted How many have no entry.
 *
 * @typedef {CameraPlace & Plate & CandidateInfo} SightingPlace
 */
/** @typedef {L.CircleMarker<{ level: number, place: SightingPlace, confirmed: boolean }>} DotMark */
/** @typedef {L.Marker<{ place: SightingPlace }> | DotMark} Mark */
/**
 * A part of the route, as Python sends it.
 *
 * @typedef {object} Leg
 * @property {[L.Position, L.Position]} line
 * @property {number} time When it ends, in seconds.
 * @property {string} words
 * @property {boolean} tooFast
 */
/** @typedef {"block" | "park" | "water" | "street"} GroundKind */
/** @typedef {[longitude: number, latitude: number]} Vertex */
/**
 * @typedef {object} GroundFeature
 * @property {{ kind: GroundKind, name?: string }} properties
 * @property {Geometry} geometry
 *
 * @typedef {{ type: "LineString", coordinates: Vertex[] }
 *   | { type: "MultiLineString", coordinates: Vertex[][] }
 *   | { type: "Polygon" | "MultiPolygon" }} Geometry
 */
/** @typedef {[from: L.LatLng, to: L.LatLng]} Piece */
/** @typedef {{ kind: GroundKind, name: string, piece: Piece, length: number }} NamedPiece */
/** @typedef {string | Node} Child */

/** What Folium's script, which Python writes, calls by name; all else stays in the block. */
const sightline = {};
{
  const INK = "#1d2733", ACCENT = "#7a1f5c", SURE = "#0b5d4e", WARNING = "#b3261e";
  const OUT = "#6b7280";  // rejected
  const PLATES = 60;  // more marks than these, the best ones, are drawn as dots
  const ABOVE = 44, BESIDE = 14;  // pixels between the plates, and dots, of cameras at one spot
  const HIGHEST = 8, RAISED = 2;  // steps: of any plate, and of one above where its spot has it
  const ROOM_FOR_LEGEND = 800;  // pixels; on a narrower map it is folded, and covers no mark
  const DOTS = 250;  // added at a time: each time, the canvas is drawn anew

  /** @type {((moment: number) => void)[]} Called as the map is played, with seconds or Infinity. */
  const playListeners = [];
  /** @type {((id: string) => void)[]} Called as another candidate is highlighted. */
  const highlightListeners = [];
  let highlighted = "";
  /** @type {Map<string, string>} Best shots by id, as the page around this one has sent them. */
  const sentPictures = new Map();

  /**
   * An element with a class, a text or children, and attributes.
   *
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {string} className
   * @param {Child | Child[] | null} content
   * @param {Record<string, string | number>} [attributes]
   */
  function el(tag, className, content, attributes = {}) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of [content ?? []].flat()) node.append(child);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    return node;
  }

  /**
   * @param {HTMLElement} node
   * @param {L.Offset} size
   * @param {L.Offset} anchor
   * @param {string} className
   */
  function divIcon(node, size, anchor, className) {
    return L.divIcon({ html: node, iconSize: size, iconAnchor: anchor, className });
  }

  /**
   * Panes from the ground up, a metric scale, and a size that follows the page's.
   *
   * @param {L.Map} map
   */
  function prepare(map) {
    window.addEventListener("message", ({ source, data }) => {
      if (source !== window.parent || data?.kind !== "sightline-scheme") return;
      document.documentElement.dataset.scheme = data.dark ? "dark" : "light";
    });
    const panes = ["land", "streets", "names", "district", "route", "cameras", "arrows"];
    panes.forEach((name, i) => {
      const pane = map.createPane(`sl-${name}`);
      pane.style.zIndex = String(410 + 10 * i);
      // A canvas takes the mouse from all below it, so only that of the cameras may.
      if (name !== "cameras") pane.style.pointerEvents = "none";
    });
    map.attributionControl.setPrefix(false);
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    // The wheel scrolls the page around the map, and zooms with Ctrl alone.
    map.getContainer().addEventListener("wheel", ({ ctrlKey, metaKey }) => {
      if (ctrlKey || metaKey) map.scrollWheelZoom.enable();
      else map.scrollWheelZoom.disable();
    }, { capture: true, passive: true });
    map.scrollWheelZoom.disable();
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
    return map;
  }

  /**
   * Show [[south, west], [north, east]] as soon as the map has a size.
   *
   * @param {L.Map} map
   * @param {[L.Position, L.Position]} bounds
   */
  function fit(map, bounds) {
    const show = () => {
      const { x, y } = map.getSize();
      if (!x || !y) return;
      // Leave the legend its place where there is room for both.
      const box = map.getContainer().querySelector(".sl-legend[open]");
      const covered = box instanceof HTMLElement ? box.offsetWidth : 0;
      const right = covered ? covered + 72 : 72;  // half a plate stands out
      const bottom = map.getContainer().querySelector(".sl-player") ? 96 : 40;
      const left = x > ROOM_FOR_LEGEND ? 104 : 56;  // half a plate, beside the buttons of the zoom
      map.fitBounds(bounds, { paddingTopLeft: [left, 56], paddingBottomRight: [right, bottom],
        maxZoom: 17, animate: false });
    };
    show();
    // The frame may get its size, or another one, later: until a hand has moved the map.
    map.on("resize", show);
    const leave = () => { map.off("resize", show); };
    for (const name of ["pointerdown", "wheel", "keydown"]) {
      map.getContainer().addEventListener(name, leave, { once: true, passive: true });
    }
  }

  // --- Ground ---------------------------------------------------------------------------------

  const LAND = {
    block: { fillColor: "#e3e1dc", fillOpacity: 1, stroke: false },
    park: { fillColor: "#cbdfc0", fillOpacity: 1, color: "#b4cda6", weight: 1 },
    water: { fillColor: "#b5d3e7", fillOpacity: 1, color: "#94bcd8", weight: 1 },
  };

  /**
   * Streets, water, parks and blocks.
   *
   * @param {L.Map} map
   * @param {{ features: GroundFeature[] }} collection GeoJSON.
   */
  function ground(map, collection) {
    const land = L.canvas({ pane: "sl-land", padding: 0.5 });
    const streets = L.canvas({ pane: "sl-streets", padding: 0.5 });
    const group = L.featureGroup();
    /** @type {[layer: L.GeoJSON, width: number][]} Widths as shares of a street's. */
    const lines = [];
    const order = ["block", "park", "water", "street"];
    const sorted = [...collection.features].sort(
      (a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind));
    for (const feature of sorted) {
      if (feature.properties.kind === "street") continue;
      const style = LAND[feature.properties.kind];
      const line = feature.geometry.type.endsWith("LineString");
      // A river may be a line; it gets wider and narrower with the zoom, as streets do.
      const layer = L.geoJSON(feature, { interactive: false, pane: "sl-land", renderer: land,
        style: line ? { color: style.fillColor } : style }).addTo(group);
      if (line) lines.push([layer, 2]);
    }
    const roads = sorted.filter((feature) => feature.properties.kind === "street");
    /** @type {[color: string, width: number][]} All edges, then all ways. */
    const strokes = [["#c9c5bd", 1.3], ["#ffffff", 1]];
    for (const [color, width] of strokes) {
      const layer = L.geoJSON({ type: "FeatureCollection", features: roads },
        { interactive: false, pane: "sl-streets", renderer: streets,
          style: { color, fillColor: color } });
      lines.push([layer.addTo(group), width]);
    }
    const labels = nameLabels(sorted, group);
    const rescale = () => {
      const way = Math.min(26, Math.max(1.5, 9 * 2 ** (map.getZoom() - 16)));
      for (const [layer, width] of lines) {
        layer.setStyle({ weight: width === 1 ? way : Math.max(way * width, way + 2) });
      }
      /** @type {L.Bounds[]} */
      const taken = [];
      for (const label of labels) label.fit(map, taken);
    };
    group.on("add", () => { map.on("zoomend viewreset", rescale); rescale(); });
    group.on("remove", () => { map.off("zoomend viewreset", rescale); });
    return group;
  }

  /**
   * The straight pieces of a line, or one across the middle of an area.
   *
   * @param {Geometry} geometry
   * @returns {Piece[]}
   */
  function piecesOf(geometry) {
    if (geometry.type === "LineString" || geometry.type === "MultiLineString") {
      const lines = geometry.type === "LineString" ? [geometry.coordinates] : geometry.coordinates;
      const place = (/** @type {Vertex} */ [longitude, latitude]) => L.latLng(latitude, longitude);
      return lines.flatMap((line) => line.slice(1).map(
        (end, i) => /** @type {Piece} */ ([place(line[i]), place(end)])));
    }
    if (!geometry.type.endsWith("Polygon")) return [];
    const bounds = L.geoJSON(geometry).getBounds();
    const { lat } = bounds.getCenter();
    return [[L.latLng(lat, bounds.getWest()), L.latLng(lat, bounds.getEast())]];
  }

  /**
   * One label for each name, along its longest straight piece or in the middle of its area.
   *
   * @param {GroundFeature[]} features
   * @param {L.FeatureGroup} group
   */
  function nameLabels(features, group) {
    /** @type {Map<string, NamedPiece>} */
    const longest = new Map();
    for (const { properties: { kind, name }, geometry } of features) {
      if (!name) continue;
      const key = `${kind} ${name}`;
      for (const piece of piecesOf(geometry)) {
        const length = piece[0].distanceTo(piece[1]);
        if (length > (longest.get(key)?.length ?? 0)) longest.set(key, { kind, name, piece, length });
      }
    }
    return [...longest.values()].map((one) => nameLabel(one, group));
  }

  /**
   * @param {NamedPiece} named
   * @param {L.FeatureGroup} group
   */
  function nameLabel({ kind, name, piece: [from, to] }, group) {
    const [start, end] = [from, to].map((place) => L.CRS.EPSG3857.project(place));
    let angle = -Math.atan2(end.y - start.y, end.x - start.x) * 180 / Math.PI;
    if (angle > 90) angle -= 180;
    if (angle <= -90) angle += 180;  // never upside down
    const text = el("span", `sl-name sl-name-${kind}`, name);
    text.style.transform = `translate(-50%, -50%) rotate(${angle.toFixed(1)}deg)`;
    const middle = L.latLng((from.lat + to.lat) / 2, (from.lng + to.lng) / 2);
    L.marker(middle, { pane: "sl-names", interactive: false, keyboard: false,
      icon: divIcon(text, [0, 0], [0, 0], "sl-nothing") }).addTo(group);
    const width = 7 * name.length + 8, turn = angle * Math.PI / 180;
    const half = L.point(Math.abs(Math.cos(turn)) * width + 16, Math.abs(Math.sin(turn)) * width + 16)
      .divideBy(2);
    /**
     * Show it if there is room, and no label before it has taken the place.
     *
     * @param {L.Map} map
     * @param {L.Bounds[]} taken
     */
    const fitLabel = (map, taken) => {
      const [a, b, centre] = [from, to, middle].map((place) => map.latLngToLayerPoint(place));
      const box = L.bounds(centre.subtract(half), centre.add(half));
      text.hidden = a.distanceTo(b) < width || map.getZoom() < 13
        || taken.some((other) => other.overlaps(box));
      if (!text.hidden) taken.push(box);
    };
    return { fit: fitLabel };
  }

  /**
   * @param {L.Map} _map
   * @param {object} feature GeoJSON.
   */
  function district(_map, feature) {
    return L.geoJSON(feature, { pane: "sl-district", interactive: false,
      renderer: L.canvas({ pane: "sl-district", padding: 0.5 }),
      style: { color: "#1f5fa8", weight: 2.5, dashArray: "2 7", fillColor: "#1f5fa8",
        fillOpacity: 0.06 } });
  }

  // --- Cameras and candidates -----------------------------------------------------------------

  /**
   * A circle that is drawn beside those of other cameras at its spot, as far at any zoom.
   *
   * @template {{ level: number }} Extra
   * @extends {L.CircleMarker<Extra>}
   */
  class Spread extends L.CircleMarker {
    /** @override */
    _project() {
      super._project();
      this._point = this._point.add(L.point(BESIDE * this.options.level, 0));
      this._updateBounds();
    }
  }

  /**
   * @param {L.Map} _map
   * @param {CameraPlace[]} all
   */
  function cameras(_map, all) {
    const renderer = L.canvas({ pane: "sl-cameras", padding: 0.5, tolerance: 4 });
    return L.featureGroup(all.map(({ name, id, latitude, longitude, level }) =>
      new Spread([latitude, longitude], { pane: "sl-cameras", renderer, radius: 4.5, level,
        color: INK, weight: 1.5, fillColor: "#ffffff", fillOpacity: 1,
        words: name === id ? name : `${name} (${id})` })))
      .bindTooltip((camera) => el("span", "", camera.options.words), { sticky: true });
  }

  /**
   * The symbol of a camera: how many candidates, the best score, and its stops on the route.
   *
   * @param {Plate} place
   */
  function plate({ count, score, best, confirmed, rejected, stops }) {
    const shown = stops.length > 3 ? [stops[0], "…", stops.at(-1)] : stops;
    const kinds = { "sl-best": best, "sl-confirmed": confirmed, "sl-rejected": rejected };
    const classes = ["sl-plate", ...Object.entries(kinds).filter(([, is]) => is).map(([name]) => name)];
    return el("span", classes.join(" "), [
      el("span", "sl-count", [confirmed ? "✓ " : "", best ? "★ " : "",
        el("span", "sl-number", `${count}`), "×"]),
      el("span", "sl-score", score),
      ...(stops.length ? [el("span", "sl-stop", shown.join(" "))] : []),
    ]);
  }

  /**
   * A dot for a place with candidates, a square where one is confirmed; drawn on a canvas.
   *
   * @extends {Spread<{ level: number, place: SightingPlace, confirmed: boolean }>}
   */
  class Dot extends Spread {
    /** @override */
    _updatePath() {
      if (!this.options.confirmed) {
        super._updatePath();
        return;
      }
      const renderer = this._renderer, context = renderer._ctx, { x, y } = this._point;
      if (!renderer._drawing || this._empty()) return;
      context.beginPath();
      context.rect(x - this._radius, y - this._radius, 2 * this._radius, 2 * this._radius);
      renderer._fillStroke(context, this);
    }
  }

  /**
   * @param {SightingPlace} place
   * @param {L.Canvas | null} renderer Of a dot; null for a plate.
   * @returns {Mark}
   */
  function createMark(place, renderer) {
    /** @type {L.Position} */
    const position = [place.latitude, place.longitude];
    const { level, title } = place;
    if (!renderer) {
      const shown = plate(place);
      shown.classList.toggle("sl-above", level > 0);
      shown.style.setProperty("--sl-raised", `${ABOVE * level}px`);
      return L.marker(position, { place, riseOnHover: true, title, alt: title,
        icon: L.divIcon({ html: shown, iconSize: [0, 0], iconAnchor: [0, 0],
          popupAnchor: [0, -ABOVE * level], className: "sl-sighting" }),
        // What is above has its stem behind those below.
        zIndexOffset: (place.best ? 1000 : 0) - level });
    }
    const confirmed = Boolean(place.confirmed);
    return new Dot(position, { place, confirmed, level, pane: "sl-cameras", renderer, radius: 6,
      color: "#ffffff", weight: 1.5, fillOpacity: 1, fillColor: confirmed ? SURE : place.rejected ? OUT : ACCENT });
  }

  /**
   * Raise plates that would lie over each other, on longer stems; the best ones stay low. One that
   * would have to rise far is a pin, until it is pointed at.
   *
   * @param {L.Map} map
   * @param {Mark[]} marks Best first.
   */
  function spreadPlates(map, marks) {
    const drawn = marks.flatMap((mark) => {
      const shown = mark.getElement()?.querySelector(".sl-plate");
      return shown instanceof HTMLElement ? [{ mark, shown }] : [];
    });
    for (const { shown } of drawn) shown.classList.remove("sl-pin");
    const widths = drawn.map(({ shown }) => shown.offsetWidth);  // after all: one layout
    /** @type {L.Bounds[]} */
    const taken = [];
    for (const [index, { mark, shown }] of drawn.entries()) {
      const width = widths[index];
      if (!width) continue;
      const { x, y } = map.latLngToLayerPoint(mark.getLatLng());
      const half = width / 2 + 10;  // a stop's number hangs over at the left
      const lowest = mark.options.place.level, highest = Math.min(HIGHEST, lowest + RAISED);
      /** @param {number} level */
      const box = (level) => L.bounds(
        L.point(x - half, y - 9 - ABOVE * (level + 1)), L.point(x + half, y - 10 - ABOVE * level));
      let level = lowest;
      while (level <= highest && taken.some((other) => other.overlaps(box(level)))) level += 1;
      const isPin = level > highest;
      if (isPin) level = lowest;
      else taken.push(box(level));
      shown.classList.toggle("sl-pin", isPin);
      shown.classList.toggle("sl-above", level > 0);
      shown.style.setProperty("--sl-raised", `${ABOVE * level}px`);
      if ("icon" in mark.options) mark.options.icon.options.popupAnchor = [0, -ABOVE * level];
    }
  }

  /**
   * A ring around the mark of the candidate that is highlighted.
   *
   * @param {L.Map} map
   * @param {Map<string, Mark>} marks By candidate; may grow.
   */
  function createRing(map, marks) {
    const ring = L.marker([0, 0], { pane: "sl-arrows", interactive: false, keyboard: false,
      icon: divIcon(el("span", "sl-ring", ""), [0, 0], [0, 0], "sl-nothing") });
    /** @type {Mark | null} */
    let ringed = null;
    /** @param {string} id */
    const show = (id) => {
      ringed?.getElement()?.classList.remove("sl-chosen");
      ringed = marks.get(id) ?? null;
      if (!ringed) {
        ring.remove();
        return;
      }
      ringed.getElement()?.classList.add("sl-chosen");
      place();
      if (!map.getBounds().contains(ringed.getLatLng())) map.panTo(ringed.getLatLng());
    };
    // Around a dot where it is drawn, which may be beside its place.
    const place = () => {
      if (!ringed) return;
      const drawn = "_point" in ringed && ringed._point;
      ring.setLatLng(drawn ? map.layerPointToLatLng(drawn) : ringed.getLatLng()).addTo(map);
    };
    map.on("zoomend", place);
    return { show, isShown: () => ringed !== null };
  }

  /**
   * @template {L.Layer} Of
   * @param {L.FeatureGroup<Of>} group
   * @param {Of} layer
   * @param {boolean} shown
   */
  function showLayer(group, layer, shown) {
    if (group.hasLayer(layer) === shown) return;
    if (shown) group.addLayer(layer);
    else group.removeLayer(layer);
  }

  /**
   * Places, best first: plates for the first ones, dots for the others.
   *
   * @param {L.Map} map
   * @param {SightingPlace[]} places
   */
  function sightings(map, places) {
    const renderer = L.canvas({ pane: "sl-cameras", padding: 0.5, tolerance: 4 });
    /** @type {Map<string, Mark>} */
    const ofCandidate = new Map();
    /** @type {L.FeatureGroup<Mark>} */
    const group = L.featureGroup();
    group.bindPopup((mark) => story(mark.options.place), { maxWidth: 330,
      minWidth: 270, maxHeight: 380, className: "sl-popup", offset: [0, -30] });
    // The one highlighted may be any of those at the place; else it becomes the best of them.
    group.on("popupopen", ({ layer: { options: { place } } }) => {
      if (!place.ids.includes(highlighted)) select(place.ids[0]);
    });
    const ring = createRing(map, ofCandidate);
    // Plates first and at once; the page stays at hand while thousands of dots follow.
    /** @type {Mark[]} */
    const marks = [];
    let next = 0;
    const add = () => {
      const end = Math.min(places.length, next + (next ? DOTS : PLATES));
      for (; next < end; next++) {
        const mark = createMark(places[next], next < PLATES ? null : renderer);
        for (const id of places[next].ids) ofCandidate.set(id, mark);
        marks.push(mark.addTo(group));
      }
      if (highlighted && !ring.isShown()) highlight(highlighted);  // it may have been among these
      if (next < places.length) requestAnimationFrame(add);
    };

    const spread = () => spreadPlates(map, marks);
    group.on("add", spread);
    map.on("zoomend viewreset", spread);
    playListeners.push((moment) => marks.slice(0, next).forEach((mark, i) => {
      const count = places[i].times.filter((time) => time <= moment).length;
      showLayer(group, mark, count > 0);
      const number = count && mark.getElement()?.querySelector(".sl-number");
      if (number) number.textContent = String(count);
    }));
    // The page around the map may highlight a candidate, and is told of one highlighted here.
    highlightListeners.push(ring.show);
    window.addEventListener("message", ({ source, data }) => {
      if (source !== window.parent) return;
      if (data?.kind === "sightline-select") highlight(data.id);
      if (data?.kind === "sightline-pictures") takePictures(data.pictures);
    });
    add();
    if (window.parent !== window) window.parent.postMessage({ kind: "sightline-drawn" }, "*");
    return group;
  }

  /**
   * Show on the map which candidate is highlighted.
   *
   * @param {string} id
   */
  function highlight(id) {
    highlighted = id;
    for (const listener of highlightListeners) listener(id);
    for (const item of document.querySelectorAll(".sl-story [data-id]")) markEntry(item);
  }

  /**
   * Show of an entry in a popup whether it is the one highlighted.
   *
   * @param {Element} item
   */
  function markEntry(item) {
    const own = item.getAttribute("data-id") === highlighted;
    item.classList.toggle("sl-chosen", own);
    item.querySelector("button")?.setAttribute("aria-pressed", `${own}`);
  }

  /**
   * Highlight a candidate, and tell the page around this one, if there is one.
   *
   * @param {string} id
   */
  function select(id) {
    highlight(id);
    if (window.parent !== window) window.parent.postMessage({ kind: "sightline-select", id }, "*");
  }

  // --- Many candidates, and time --------------------------------------------------------------

  /** @typedef {[latitude: number, longitude: number, count: number]} HeatPoint */

  /** Where candidates are many: soft blots that add up, coloured by their sum. */
  class Heat extends L.Layer {
    /** @param {HeatPoint[]} points */
    constructor(points) {
      super();
      this._points = points;
      this._canvas = el("canvas", "sl-heat leaflet-zoom-hide", null);
    }

    /** @param {L.Map} map */
    onAdd(map) {
      map.getPane("sl-district")?.append(this._canvas);
      map.on("moveend resize zoomend", this._draw, this);
      this._draw();
      return this;
    }

    /** @param {L.Map} map */
    onRemove(map) {
      map.off("moveend resize zoomend", this._draw, this);
      this._canvas.remove();
      return this;
    }

    _draw() {
      const size = this._map.getSize();
      L.DomUtil.setPosition(this._canvas, this._map.containerPointToLayerPoint([0, 0]));
      [this._canvas.width, this._canvas.height] = [size.x, size.y];
      if (!size.x || !size.y) return;
      const context = /** @type {CanvasRenderingContext2D} */ (
        this._canvas.getContext("2d", { willReadFrequently: true }));
      this._drawBlots(context, size);
      const picture = context.getImageData(0, 0, size.x, size.y);
      colourBySum(picture.data);
      context.putImageData(picture, 0, 0);
    }

    /**
     * @param {CanvasRenderingContext2D} context
     * @param {L.Point} size
     */
    _drawBlots(context, size) {
      const radius = 32;
      const most = this._points.reduce((top, [, , count]) => Math.max(top, count), 1);
      for (const [latitude, longitude, count] of this._points) {
        const { x, y } = this._map.latLngToContainerPoint([latitude, longitude]);
        if (x < -radius || y < -radius || x > size.x + radius || y > size.y + radius) continue;
        const blot = context.createRadialGradient(x, y, 0, x, y, radius);
        blot.addColorStop(0, `rgb(0 0 0 / ${0.15 + 0.6 * Math.sqrt(count / most)})`);
        blot.addColorStop(1, "rgb(0 0 0 / 0)");
        context.fillStyle = blot;
        context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      }
    }
  }

  /**
   * Turn opacity into colour, from yellow to a dark red: lightness alone tells it too.
   *
   * @param {Uint8ClampedArray} data RGBA, changed in place.
   */
  function colourBySum(data) {
    for (let i = 3; i < data.length; i += 4) {
      if (!data[i]) continue;
      const part = data[i] / 255;
      [data[i - 3], data[i - 2], data[i - 1]] = [255 - 115 * part, 225 * (1 - part), 70 * (1 - part)];
      data[i] = 90 + 130 * part;
    }
  }

  /**
   * @param {L.Map} _map
   * @param {HeatPoint[]} points
   */
  function heat(_map, points) {
    return new Heat(points);
  }

  /**
   * A button and a slider that show the candidates up to a moment, and play through them.
   *
   * @param {L.Map} map
   * @param {{ zone: string, first: number, last: number }} times First and last in seconds.
   */
  function player(map, { zone, first, last }) {
    const steps = 400;
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short",
      day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
    const control = L.control({ position: "bottomleft" });
    control.onAdd = () => {
      const play = el("button", "sl-play", "▶", { type: "button", "aria-label": "Play" });
      const slider = el("input", "", null, { type: "range", min: 0, max: steps, value: steps,
        "aria-label": "Show candidates up to this time" });
      const label = el("output", "", "");
      const show = () => {
        const step = Number(slider.value);
        const moment = step === steps ? Infinity : first + (last - first) * step / steps;
        label.textContent = step === steps ? "All times" : `Until ${format.format(moment * 1000)}`;
        slider.setAttribute("aria-valuetext", label.textContent);
        for (const listener of playListeners) listener(moment);
      };
      let timer = 0;
      const stop = () => {
        clearInterval(timer);
        timer = 0;
        play.textContent = "▶";
        play.setAttribute("aria-label", "Play");
      };
      const start = () => {
        if (Number(slider.value) === steps) slider.value = "0";
        play.textContent = "❚❚";
        play.setAttribute("aria-label", "Pause");
        timer = setInterval(() => {
          slider.value = String(Number(slider.value) + 1);
          show();
          if (Number(slider.value) === steps) stop();
        }, 50);
        show();
      };
      play.addEventListener("click", () => { if (timer) stop(); else start(); });
      slider.addEventListener("input", () => { stop(); show(); });
      const box = el("div", "sl-player", [play, slider, label]);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      show();
      return box;
    };
    return control.addTo(map);
  }

  /**
   * What the popup of a place says; built when it is opened.
   *
   * @param {SightingPlace} place
   */
  function story({ name, id, summary, candidates, omitted }) {
    const opened = el("div", "sl-story", [
      el("h2", "", name === id ? name : [name, " ", el("small", "", id)]),
      el("p", "", summary),
      el("ol", "", candidates.map(entry)),
      ...(omitted ? [el("p", "sl-soft", `and ${omitted} more with lower scores`)] : []),
      ...(candidates.every((c) => c.confirmed) ? []
        : [el("p", "sl-soft", "A lead, not an identification.")]),
    ]);
    askForPictures(opened);
    return opened;
  }

  /** @param {PopupEntry} candidate */
  function entry(candidate) {
    const { id, rank, number, confirmed, rejected, time, seen, note, recording } = candidate;
    const item = el("li", "", [
      bestShot(candidate),
      el("div", "", [
        chooser(candidate), number ? ` · No. ${number}` : ` · rank ${rank}`,
        ...(confirmed ? [el("div", "sl-sure", "✓ confirmed")] : []),
        ...(rejected ? [el("div", "sl-soft", "✗ marked “not same”")] : []),
        el("div", "", time), el("div", "sl-soft", seen),
        ...(note ? [el("div", "sl-soft", note)] : []),
        el("div", "sl-soft", recording),
      ]),
    ], { "data-id": id });
    markEntry(item);
    return item;
  }

  /** @param {PopupEntry} candidate */
  function bestShot({ id, rank, number, picture }) {
    if (!picture) return el("span", "sl-no-picture", "picture not included in this map");
    const alt = number ? `Best shot of sighting ${number}` : `Best shot of candidate ${rank}`;
    const image = el("img", "", null, { alt, "data-picture": id });
    // In a file, Python keeps it in the page rather than in this script.
    const kept = document.getElementById(`sl-picture-${rank}`);
    const source = kept instanceof HTMLDataElement ? kept.value : sentPictures.get(id);
    if (source) image.src = source;
    return image;
  }

  /**
   * Ask the page around this one for the pictures of a popup that it has not sent yet.
   *
   * @param {HTMLElement} opened
   */
  function askForPictures(opened) {
    const images = opened.querySelectorAll("img[data-picture]:not([src])");
    const ids = [...images].map((image) => image.getAttribute("data-picture"));
    if (ids.length && window.parent !== window) {
      window.parent.postMessage({ kind: "sightline-pictures", ids }, "*");
    }
  }

  /** @param {Record<string, string>} pictures Addresses of data by id, as they came. */
  function takePictures(pictures) {
    for (const [id, source] of Object.entries(pictures)) sentPictures.set(id, source);
    for (const image of document.querySelectorAll("img[data-picture]:not([src])")) {
      const source = sentPictures.get(image.getAttribute("data-picture") ?? "");
      if (source) image.setAttribute("src", source);
    }
  }

  /**
   * The score as a button that highlights its candidate.
   *
   * @param {PopupEntry} candidate
   */
  function chooser({ id, score }) {
    const button = el("button", "sl-choose", `Score ${score}`, { type: "button",
      title: "Highlight this candidate in the timeline and the list" });
    button.addEventListener("click", () => select(id));
    return button;
  }

  // --- Route and legend -----------------------------------------------------------------------

  /**
   * Broken lines with arrows; one that nobody could have gone in that time is marked.
   *
   * @param {L.Map} _map
   * @param {Leg[]} legs
   */
  function route(_map, legs) {
    const group = L.featureGroup();
    const renderer = L.canvas({ pane: "sl-route", padding: 0.5 });
    const drawn = legs.map((leg) => ({ time: leg.time, layers: legLayers(leg, renderer) }));
    for (const { layers } of drawn) for (const layer of layers) layer.addTo(group);
    playListeners.push((moment) => {
      for (const { time, layers } of drawn) {
        for (const layer of layers) showLayer(group, layer, time <= moment);
      }
    });
    return group;
  }

  /**
   * A line, and an arrow where it is long enough for one.
   *
   * @param {Leg} leg
   * @param {L.Canvas} renderer
   */
  function legLayers({ line, words, tooFast }, renderer) {
    /** @type {L.Layer[]} */
    const layers = [L.polyline(line, { pane: "sl-route", renderer, interactive: false,
      color: tooFast ? WARNING : ACCENT, weight: tooFast ? 4 : 3, opacity: 0.85,
      dashArray: tooFast ? "2 8" : "8 6" })];
    const [a, b] = line.map((place) => L.CRS.EPSG3857.project(L.latLng(place)));
    if (a.distanceTo(b) < 1) return layers;
    const arrow = el("span", "sl-arrow", "");
    arrow.style.transform = `rotate(${-Math.atan2(b.y - a.y, b.x - a.x)}rad)`;
    const symbol = tooFast ? el("span", "sl-too-fast", "⚠") : arrow;
    const text = tooFast ? `Too fast: ${words}` : words;
    // A little past the middle, so that there and back do not cover each other.
    const place = L.CRS.EPSG3857.unproject(a.add(b.subtract(a).multiplyBy(0.56)));
    layers.push(L.marker(place, { pane: "sl-arrows", keyboard: false, alt: text,
      icon: divIcon(symbol, [20, 20], [10, 10], "sl-leg") })
      .bindTooltip(() => el("span", "", text)));
    return layers;
  }

  const SYMBOLS = {
    /** @param {string} score */
    best: (score) => plate({ count: 3, score, best: true, stops: [] }),
    /** @param {string} score */
    bestConfirmed: (score) => plate({ count: 1, score, best: true, confirmed: 1, stops: [] }),
    /** @param {string} score */
    sighting: (score) => plate({ count: 2, score, stops: [] }),
    /** @param {string} score */
    confirmed: (score) => plate({ count: 1, score, confirmed: 1, stops: [] }),
    tooFast: () => el("span", "sl-too-fast", "⚠"),
    stop: () => el("span", "sl-stop", "2"),
    camera: () => el("span", "sl-dot", ""),
    route: () => el("span", "sl-dashes", [el("span", "sl-arrow", "")]),
    district: () => el("span", "sl-area", ""),
  };

  /**
   * Rows of symbols with their meanings, and closing remarks, in a box that folds.
   *
   * @typedef {keyof typeof SYMBOLS} LegendSymbol
   * @param {L.Map} map
   * @param {object} content
   * @param {string} content.title
   * @param {string} content.score One of the map, for the symbols that show one.
   * @param {[symbol: LegendSymbol, text: string][]} content.rows
   * @param {string[]} content.remarks
   * @param {[name: string, text: string][]} content.facts What is said of the file.
   */
  function legend(map, { title, score, rows, remarks, facts }) {
    const control = L.control({ position: "bottomright" });
    control.onAdd = () => {
      const box = el("details", "sl-legend", [
        el("summary", "", title),
        ...rows.map(([symbol, text]) => el("div", "sl-row", [
          el("span", "sl-symbol", SYMBOLS[symbol](score)), el("span", "", text)])),
        ...remarks.map((text) => el("p", "", text)),
        ...facts.map(([name, text]) => el("p", "", [el("b", "", `${name}: `), text])),
      ]);
      const unfold = () => { box.open = map.getContainer().clientWidth > ROOM_FOR_LEGEND; };
      unfold();
      map.on("resize", unfold);
      box.querySelector("summary")?.addEventListener("click", () => map.off("resize", unfold));
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    return control.addTo(map);
  }

  Object.assign(sightline, {
    prepare, fit, ground, district, cameras, sightings, heat, player, route, legend });
}
