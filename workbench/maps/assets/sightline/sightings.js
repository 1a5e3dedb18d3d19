/* What our Folium maps draw. All text from outside is set as text, never as HTML. */
"use strict";

const sightline = (() => {
  const INK = "#1d2733", ACCENT = "#7a1f5c", SURE = "#0b5d4e", WARNING = "#b3261e";
  const PLATES = 60;  // more marks than these, the best ones, are drawn as dots
  const DOTS = 250;  // added at a time: each time, the canvas is drawn anew

  // What changes as the map is played: each is called with a moment in seconds, or Infinity.
  const playing = [];
  // What changes as another candidate is pointed out: each is called with its id.
  const choosing = [];
  let pointed = "";

  /** An element with a class, a text or children, and attributes. */
  function el(tag, className, content, attributes = {}) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of [content ?? []].flat()) node.append(child);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  function divIcon(node, size, anchor, className) {
    return L.divIcon({ html: node, iconSize: size, iconAnchor: anchor, className });
  }

  /** Panes from the ground up, a metric scale, and a size that follows the page's. */
  function prepare(map) {
    const panes = ["land", "streets", "names", "district", "route", "cameras", "arrows"];
    panes.forEach((name, i) => {
      const pane = map.createPane(`sl-${name}`);
      pane.style.zIndex = 410 + 10 * i;
      // A canvas takes the mouse from all below it, so only that of the cameras may.
      if (name !== "cameras") pane.style.pointerEvents = "none";
    });
    map.attributionControl.setPrefix(false);
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
    return map;
  }

  /** Show [[south, west], [north, east]] as soon as the map has a size. */
  function fit(map, bounds) {
    const show = () => {
      if (!map.getSize().x || !map.getSize().y) return false;
      // Leave the legend its place where there is room for both.
      const legend = map.getContainer().querySelector(".sl-legend[open]")?.offsetWidth ?? 0;
      const right = map.getSize().x > 2.5 * legend ? legend + 24 : 48;
      const bottom = map.getContainer().querySelector(".sl-player") ? 96 : 40;
      map.fitBounds(bounds, { paddingTopLeft: [56, 56], paddingBottomRight: [right, bottom],
        maxZoom: 17, animate: false });
      return true;
    };
    if (!show()) {
      const later = () => show() && map.off("resize", later);
      map.on("resize", later);
    }
  }

  // --- Ground ---------------------------------------------------------------------------------

  const LAND = {
    block: { fillColor: "#e3e1dc", fillOpacity: 1, stroke: false },
    park: { fillColor: "#cbdfc0", fillOpacity: 1, color: "#b4cda6", weight: 1 },
    water: { fillColor: "#b5d3e7", fillOpacity: 1, color: "#94bcd8", weight: 1 },
  };

  /** Streets, water, parks and blocks: GeoJSON features with a `kind` and perhaps a `name`. */
  function ground(map, collection) {
    const land = L.canvas({ pane: "sl-land", padding: 0.5 });
    const streets = L.canvas({ pane: "sl-streets", padding: 0.5 });
    const group = L.featureGroup();
    const lines = [];
    const order = ["block", "park", "water", "street"];
    const sorted = [...collection.features].sort(
      (a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind));
    const draw = (feature, options) => L.geoJSON(feature, { interactive: false, ...options });
    for (const feature of sorted.filter((f) => f.properties.kind !== "street")) {
      const style = LAND[feature.properties.kind];
      const line = feature.geometry.type.endsWith("LineString");
      // A river may be a line; it gets wider and narrower with the zoom, as streets do.
      const layer = draw(feature, { pane: "sl-land", renderer: land,
        style: line ? { color: style.fillColor } : style }).addTo(group);
      if (line) lines.push([layer, 2]);
    }
    const roads = sorted.filter((f) => f.properties.kind === "street");
    for (const [color, width] of [["#c9c5bd", 1.3], ["#ffffff", 1]]) {  // all edges, then all ways
      const layer = draw({ type: "FeatureCollection", features: roads },
        { pane: "sl-streets", renderer: streets, style: { color, fillColor: color } });
      lines.push([layer.addTo(group), width]);
    }
    const labels = names(sorted, group);
    const rescale = () => {
      const way = Math.min(26, Math.max(1.5, 9 * 2 ** (map.getZoom() - 16)));
      for (const [layer, width] of lines) {
        layer.setStyle({ weight: width === 1 ? way : Math.max(way * width, way + 2) });
      }
      const taken = [];
      for (const label of labels) label.fit(map, taken);
    };
    group.on("add", () => { map.on("zoomend viewreset", rescale); rescale(); });
    group.on("remove", () => map.off("zoomend viewreset", rescale));
    return group;
  }

  /** One label for each name, along its longest straight piece or in the middle of its area. */
  function names(features, group) {
    const best = new Map();
    for (const { properties: { kind, name }, geometry } of features) {
      if (!name) continue;
      const area = geometry.type.endsWith("Polygon");
      const bounds = L.geoJSON(geometry).getBounds();
      const pieces = area
        ? [[L.latLng(bounds.getCenter().lat, bounds.getWest()),
            L.latLng(bounds.getCenter().lat, bounds.getEast())]]
        : (geometry.type === "LineString" ? [geometry.coordinates] : geometry.coordinates ?? [])
          .flatMap((line) => line.slice(1).map((end, i) => [line[i], end]
            .map(([longitude, latitude]) => L.latLng(latitude, longitude))));
      for (const piece of pieces) {
        const length = piece[0].distanceTo(piece[1]);
        const key = `${kind} ${name}`;
        if (length > (best.get(key)?.length ?? 0)) best.set(key, { kind, name, piece, length });
      }
    }
    return [...best.values()].map(({ kind, name, piece: [from, to] }) => {
      const [a, b] = [from, to].map((place) => L.CRS.EPSG3857.project(place));
      let angle = -Math.atan2(b.y - a.y, b.x - a.x) * 180 / Math.PI;
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
      /** Shown if there is room, and no label before it has taken the place. */
      return { fit(map, taken) {
        const [a, b, at] = [from, to, middle].map((place) => map.latLngToLayerPoint(place));
        const box = L.bounds(at.subtract(half), at.add(half));
        text.hidden = a.distanceTo(b) < width || map.getZoom() < 13
          || taken.some((other) => other.overlaps(box));
        if (!text.hidden) taken.push(box);
      } };
    });
  }

  function district(map, feature) {
    return L.geoJSON(feature, { pane: "sl-district", interactive: false,
      renderer: L.canvas({ pane: "sl-district", padding: 0.5 }),
      style: { color: "#1f5fa8", weight: 2.5, dashArray: "2 7", fillColor: "#1f5fa8",
        fillOpacity: 0.06 } });
  }

  // --- Cameras and candidates -----------------------------------------------------------------

  function cameras(map, all) {
    const renderer = L.canvas({ pane: "sl-cameras", padding: 0.5, tolerance: 4 });
    return L.featureGroup(all.map(({ name, id, latitude, longitude }) =>
      L.circleMarker([latitude, longitude], { pane: "sl-cameras", renderer, radius: 4.5,
        color: INK, weight: 1.5, fillColor: "#ffffff", fillOpacity: 1,
        words: name === id ? name : `${name} (${id})` })))
      .bindTooltip((camera) => el("span", "", camera.options.words), { sticky: true });
  }

  /** The mark of a camera with candidates: how many, the best score, and its stops on the route. */
  function plate({ count, score, best, confirmed, stops }) {
    const shown = stops.length > 3 ? [stops[0], "…", stops.at(-1)] : stops;
    const classes = ["sl-plate", best && "sl-best", confirmed && "sl-confirmed"];
    return el("span", classes.filter(Boolean).join(" "), [
      el("span", "sl-count", [confirmed ? "✓ " : "", best ? "★ " : "",
        el("span", "sl-number", `${count}`), "×"]),
      el("span", "sl-score", score),
      ...(stops.length ? [el("span", "sl-stop", shown.join(" "))] : []),
    ]);
  }

  /** A dot for a place with candidates, a square where one is confirmed; drawn on a canvas. */
  const Dot = L.CircleMarker.extend({
    _updatePath() {
      if (!this.options.confirmed) return L.CircleMarker.prototype._updatePath.call(this);
      const renderer = this._renderer, context = renderer._ctx, { x, y } = this._point;
      if (!renderer._drawing || this._empty()) return undefined;
      context.beginPath();
      context.rect(x - this._radius, y - this._radius, 2 * this._radius, 2 * this._radius);
      return renderer._fillStroke(context, this);
    },
  });

  /** Places, best first: plates for the first ones, dots for the others. */
  function sightings(map, places) {
    const renderer = L.canvas({ pane: "sl-cameras", padding: 0.5, tolerance: 4 });
    const ofCandidate = new Map();
    const group = L.featureGroup().bindPopup((mark) => story(mark.options.place), { maxWidth: 330,
      minWidth: 270, maxHeight: 380, className: "sl-popup", offset: [0, -30] });
    // The one pointed out may be any of those at the place; else it becomes the best of them.
    group.on("popupopen", ({ layer: { options: { place } } }) => {
      if (!place.ids.includes(pointed)) point(place.ids[0]);
    });
    const make = (place, i) => {
      const at = [place.latitude, place.longitude];
      const mark = i < PLATES
        ? L.marker(at, { place,
          icon: divIcon(plate(place), [0, 0], [0, 0], "sl-sighting"), riseOnHover: true,
          zIndexOffset: place.best ? 1000 : 0, title: place.title, alt: place.title })
        : new Dot(at, { place, pane: "sl-cameras", renderer, radius: 6, confirmed: place.confirmed > 0,
          color: "#ffffff", weight: 1.5, fillOpacity: 1,
          fillColor: place.confirmed ? SURE : ACCENT });
      for (const id of place.ids) ofCandidate.set(id, mark);
      return mark;
    };
    // Plates first and at once; the page stays at hand while thousands of dots follow.
    const marks = [];
    let next = 0, chosen = null;
    const add = () => {
      const end = Math.min(places.length, next + (next ? DOTS : PLATES));
      for (; next < end; next++) marks.push(make(places[next], next).addTo(group));
      if (pointed && !chosen) choose(pointed);  // it may have been among these
      if (next < places.length) requestAnimationFrame(add);
    };

    playing.push((moment) => marks.slice(0, next).forEach((mark, i) => {
      const count = places[i].times.filter((time) => time <= moment).length;
      if (group.hasLayer(mark) !== count > 0) count ? group.addLayer(mark) : group.removeLayer(mark);
      const number = count && mark.getElement?.()?.querySelector(".sl-number");
      if (number) number.textContent = count;
    }));
    // The page around the map may point out a candidate, and is told of one that is pointed out.
    const ring = L.marker([0, 0], { pane: "sl-arrows", interactive: false, keyboard: false,
      icon: divIcon(el("span", "sl-ring", ""), [0, 0], [0, 0], "sl-nothing") });
    choosing.push((id) => {
      chosen?.getElement?.()?.classList.remove("sl-chosen");
      chosen = ofCandidate.get(id) ?? null;
      if (!chosen) return ring.remove();
      chosen.getElement?.()?.classList.add("sl-chosen");
      ring.setLatLng(chosen.getLatLng()).addTo(map);
      if (!map.getBounds().contains(chosen.getLatLng())) map.panTo(chosen.getLatLng());
      return ring;
    });
    window.addEventListener("message", ({ source, data }) => {
      if (source === window.parent && data?.kind === "sightline-select") choose(data.id);
    });
    add();
    if (window.parent !== window) window.parent.postMessage({ kind: "sightline-drawn" }, "*");
    return group;
  }

  /** Show on the map which candidate is pointed out. */
  function choose(id) {
    pointed = id;
    for (const change of choosing) change(id);
    for (const item of document.querySelectorAll(".sl-story [data-id]")) mark(item);
  }

  /** Say of an entry in a popup whether it is the one pointed out. */
  function mark(item) {
    const own = item.dataset.id === pointed;
    item.classList.toggle("sl-chosen", own);
    item.querySelector("button").setAttribute("aria-pressed", `${own}`);
  }

  /** Point a candidate out, and tell the page around this one, if there is one. */
  function point(id) {
    choose(id);
    if (window.parent !== window) window.parent.postMessage({ kind: "sightline-select", id }, "*");
  }

  // --- Many candidates, and time --------------------------------------------------------------

  /** Where candidates are many: soft blots that add up, coloured by their sum. */
  const Heat = L.Layer.extend({
    initialize(points) { this._points = points; },
    onAdd(map) {
      this._canvas = el("canvas", "sl-heat leaflet-zoom-hide");
      map.getPane("sl-district").append(this._canvas);
      map.on("moveend resize zoomend", this._draw, this);
      this._draw();
    },
    onRemove(map) {
      map.off("moveend resize zoomend", this._draw, this);
      this._canvas.remove();
    },
    _draw() {
      const map = this._map, size = map.getSize(), radius = 32;
      L.DomUtil.setPosition(this._canvas, map.containerPointToLayerPoint([0, 0]));
      [this._canvas.width, this._canvas.height] = [size.x, size.y];
      if (!size.x || !size.y) return;
      const context = this._canvas.getContext("2d", { willReadFrequently: true });
      const most = this._points.reduce((top, [, , count]) => Math.max(top, count), 1);
      for (const [latitude, longitude, count] of this._points) {
        const { x, y } = map.latLngToContainerPoint([latitude, longitude]);
        if (x < -radius || y < -radius || x > size.x + radius || y > size.y + radius) continue;
        const blot = context.createRadialGradient(x, y, 0, x, y, radius);
        blot.addColorStop(0, `rgb(0 0 0 / ${0.15 + 0.6 * Math.sqrt(count / most)})`);
        blot.addColorStop(1, "rgb(0 0 0 / 0)");
        context.fillStyle = blot;
        context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      }
      const picture = context.getImageData(0, 0, size.x, size.y), data = picture.data;
      for (let i = 3; i < data.length; i += 4) {
        if (!data[i]) continue;
        const part = data[i] / 255;  // from yellow to a dark red: lightness alone tells it too
        [data[i - 3], data[i - 2], data[i - 1]] = [255 - 115 * part, 225 * (1 - part), 70 * (1 - part)];
        data[i] = 90 + 130 * part;
      }
      context.putImageData(picture, 0, 0);
    },
  });

  function heat(map, points) {
    return new Heat(points);
  }

  /** A button and a slider that show the candidates up to a moment, and play through them. */
  function player(map, { zone, first, last }) {
    const steps = 400;
    const words = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short",
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
        label.textContent = step === steps ? "All times" : `Until ${words.format(moment * 1000)}`;
        slider.setAttribute("aria-valuetext", label.textContent);
        for (const change of playing) change(moment);
      };
      let timer = null;
      const stop = () => {
        clearInterval(timer);
        timer = null;
        play.textContent = "▶";
        play.setAttribute("aria-label", "Play");
      };
      play.addEventListener("click", () => {
        if (timer) return stop();
        if (Number(slider.value) === steps) slider.value = 0;
        play.textContent = "❚❚";
        play.setAttribute("aria-label", "Pause");
        timer = setInterval(() => {
          slider.value = Number(slider.value) + 1;
          show();
          if (Number(slider.value) === steps) stop();
        }, 50);
        return show();
      });
      slider.addEventListener("input", () => { stop(); show(); });
      const box = el("div", "sl-player", [play, slider, label]);
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      show();
      return box;
    };
    return control.addTo(map);
  }

  /** What the popup of a place says; built when it is opened. */
  function story({ name, id, summary, candidates, omitted }) {
    return el("div", "sl-story", [
      el("h2", "", name === id ? name : [name, " ", el("small", "", id)]),
      el("p", "", summary),
      el("ol", "", candidates.map((c) => entry(c, [
        c.picture
          ? el("img", "", null, { alt: `Best shot of candidate ${c.rank}`,
            src: document.getElementById(`sl-picture-${c.rank}`).value })
          : el("span", "sl-no-picture", "picture not kept in this map"),
        el("div", "", [
          chooser(c), ` · rank ${c.rank}`,
          ...(c.confirmed ? [el("div", "sl-sure", "✓ confirmed by a person")] : []),
          el("div", "", c.time), el("div", "sl-soft", c.seen), el("div", "sl-soft", c.recording),
        ]),
      ]))),
      ...(omitted ? [el("p", "sl-soft", `and ${omitted} more with lower scores`)] : []),
      ...(candidates.every((c) => c.confirmed) ? []
        : [el("p", "sl-soft", "A lead, not an identification.")]),
    ]);
  }

  function entry({ id }, content) {
    const item = el("li", "", content, { "data-id": id });
    mark(item);
    return item;
  }

  /** The score as a button that points its candidate out. */
  function chooser({ id, score }) {
    const button = el("button", "sl-choose", `Score ${score}`, { type: "button",
      title: "Point this one out in the timeline and the list too" });
    button.addEventListener("click", () => point(id));
    return button;
  }

  // --- Route and legend -----------------------------------------------------------------------

  /** Broken lines with arrows; one that nobody could have gone in that time is marked. */
  function route(map, parts) {
    const group = L.featureGroup();
    const renderer = L.canvas({ pane: "sl-route", padding: 0.5 });
    const drawn = parts.map(({ line, time, words, tooFast }) => {
      const layers = [L.polyline(line, { pane: "sl-route", renderer, interactive: false,
        color: tooFast ? WARNING : ACCENT, weight: tooFast ? 4 : 3, opacity: 0.85,
        dashArray: tooFast ? "2 8" : "8 6" })];
      const [a, b] = line.map((place) => L.CRS.EPSG3857.project(L.latLng(place)));
      if (a.distanceTo(b) >= 1) {
        const arrow = el("span", "sl-arrow", "");
        arrow.style.transform = `rotate(${-Math.atan2(b.y - a.y, b.x - a.x)}rad)`;
        const mark = tooFast ? el("span", "sl-too-fast", "⚠") : arrow;
        // A little past the middle, so that there and back do not cover each other.
        const place = L.CRS.EPSG3857.unproject(a.add(b.subtract(a).multiplyBy(0.56)));
        layers.push(L.marker(place, { pane: "sl-arrows", keyboard: false,
          alt: tooFast ? `Too fast: ${words}` : words,
          icon: divIcon(mark, [20, 20], [10, 10], "sl-leg") })
          .bindTooltip(() => el("span", "", tooFast ? `Too fast: ${words}` : words)));
      }
      layers.forEach((layer) => layer.addTo(group));
      return [time, layers];
    });
    playing.push((moment) => drawn.forEach(([time, layers]) => layers.forEach((layer) => {
      const shown = time <= moment;
      if (group.hasLayer(layer) !== shown) shown ? group.addLayer(layer) : group.removeLayer(layer);
    })));
    return group;
  }

  const SYMBOLS = {
    best: () => plate({ count: 3, score: "0.71", best: true, stops: [] }),
    sighting: () => plate({ count: 2, score: "0.64", stops: [] }),
    confirmed: () => plate({ count: 1, score: "0.69", confirmed: 1, stops: [] }),
    tooFast: () => el("span", "sl-too-fast", "⚠"),
    stop: () => el("span", "sl-stop", "2"),
    camera: () => el("span", "sl-dot", ""),
    route: () => el("span", "sl-dashes", [el("span", "sl-arrow", "")]),
    district: () => el("span", "sl-area", ""),
  };

  /** Rows of [symbol, text] and closing remarks, in a box that folds. */
  function legend(map, { title, rows, remarks }) {
    const control = L.control({ position: "bottomright" });
    control.onAdd = () => {
      const box = el("details", "sl-legend", [
        el("summary", "", title),
        ...rows.map(([symbol, text]) => el("div", "sl-row", [
          el("span", "sl-symbol", SYMBOLS[symbol]()), el("span", "", text)])),
        ...remarks.map((text) => el("p", "", text)),
      ]);
      box.open = map.getContainer().clientWidth > 560;
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    };
    return control.addTo(map);
  }

  return { prepare, fit, ground, district, cameras, sightings, heat, player, route, legend };
})();
