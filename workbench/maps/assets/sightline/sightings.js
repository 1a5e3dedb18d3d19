/* What our Folium maps draw. All text from outside is set as text, never as HTML. */
"use strict";

const sightline = (() => {
  const INK = "#1d2733", ACCENT = "#7a1f5c";

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
      map.fitBounds(bounds, { paddingTopLeft: [56, 56], paddingBottomRight: [right, 40],
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
        color: INK, weight: 1.5, fillColor: "#ffffff", fillOpacity: 1 })
        .bindTooltip(() => el("span", "", name === id ? name : `${name} (${id})`))));
  }

  /** The mark of a camera with candidates: how many, the best score, and its stops on the route. */
  function plate({ count, score, best, stops }) {
    const shown = stops.length > 3 ? [stops[0], "…", stops.at(-1)] : stops;
    return el("span", best ? "sl-plate sl-best" : "sl-plate", [
      el("span", "sl-count", best ? `★ ${count}×` : `${count}×`),
      el("span", "sl-score", score),
      ...(stops.length ? [el("span", "sl-stop", shown.join(" "))] : []),
    ]);
  }

  function sightings(map, places) {
    return L.featureGroup(places.map((place) =>
      L.marker([place.latitude, place.longitude], {
        icon: divIcon(plate(place), [0, 0], [0, 0], "sl-sighting"), riseOnHover: true,
        zIndexOffset: place.best ? 1000 : 0, title: place.title, alt: place.title,
      }).bindPopup(() => story(place), { maxWidth: 330, minWidth: 270, maxHeight: 380,
        className: "sl-popup", offset: [0, -30] })));
  }

  /** What the popup of a place says; built when it is opened. */
  function story({ name, id, summary, candidates, omitted }) {
    return el("div", "sl-story", [
      el("h2", "", name === id ? name : [name, " ", el("small", "", id)]),
      el("p", "", summary),
      el("ol", "", candidates.map((c) => el("li", "", [
        c.picture
          ? el("img", "", null, { src: c.picture, alt: `Best shot of candidate ${c.rank}` })
          : el("span", "sl-no-picture", "picture not kept in this map"),
        el("div", "", [
          el("strong", "", `Score ${c.score}`), ` · rank ${c.rank}`,
          el("div", "", c.time), el("div", "sl-soft", c.seen), el("div", "sl-soft", c.recording),
        ]),
      ]))),
      ...(omitted ? [el("p", "sl-soft", `and ${omitted} more with lower scores`)] : []),
      el("p", "sl-soft", "A lead, not an identification."),
    ]);
  }

  // --- Route and legend -----------------------------------------------------------------------

  /** A broken line through [latitude, longitude] stops, with an arrow on each part. */
  function route(map, stops) {
    const group = L.featureGroup([L.polyline(stops, { pane: "sl-route", interactive: false,
      renderer: L.canvas({ pane: "sl-route", padding: 0.5 }),
      color: ACCENT, weight: 3, opacity: 0.85, dashArray: "8 6" })]);
    stops.slice(1).forEach((stop, i) => {
      const [a, b] = [stops[i], stop].map((place) => L.CRS.EPSG3857.project(L.latLng(place)));
      if (a.distanceTo(b) < 1) return;
      const arrow = el("span", "sl-arrow", "");
      arrow.style.transform = `rotate(${-Math.atan2(b.y - a.y, b.x - a.x)}rad)`;
      // A little past the middle, so that there and back do not cover each other.
      const place = L.CRS.EPSG3857.unproject(a.add(b.subtract(a).multiplyBy(0.56)));
      L.marker(place, { pane: "sl-arrows", interactive: false, keyboard: false,
        icon: divIcon(arrow, [14, 14], [7, 7], "sl-nothing") }).addTo(group);
    });
    return group;
  }

  const SYMBOLS = {
    best: () => plate({ count: 3, score: "0.71", best: true, stops: [] }),
    sighting: () => plate({ count: 2, score: "0.64", best: false, stops: [] }),
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

  return { prepare, fit, ground, district, cameras, sightings, route, legend };
})();
