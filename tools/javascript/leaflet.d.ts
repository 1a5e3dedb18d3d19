// Leaflet 1.9, as far as Sightline uses it.

declare namespace L {
  type Position = [latitude: number, longitude: number];
  type Offset = [x: number, y: number];

  class Point {
    x: number;
    y: number;
    add(other: Point): Point;
    subtract(other: Point): Point;
    multiplyBy(factor: number): Point;
    divideBy(divisor: number): Point;
    distanceTo(other: Point): number;
  }

  class Bounds {
    overlaps(other: Bounds): boolean;
  }

  class LatLng {
    lat: number;
    lng: number;
    /** In metres. */
    distanceTo(other: LatLng): number;
  }

  class LatLngBounds {
    getCenter(): LatLng;
    getWest(): number;
    getEast(): number;
    contains(place: LatLng): boolean;
  }

  interface MouseEvent {
    originalEvent: globalThis.MouseEvent;
  }

  class Evented {
    on(events: "click" | "mousemove", listener: (event: MouseEvent) => void): this;
    on(events: string, listener: () => void, context?: object): this;
    off(events: "click" | "mousemove", listener: (event: MouseEvent) => void): this;
    off(events: string, listener: () => void, context?: object): this;
  }

  class Map extends Evented {
    attributionControl: { setPrefix(prefix: string | false): void };
    /** Not public: whether the map has a place and a zoom. */
    _loaded?: boolean;
    addLayer(layer: Layer): this;
    removeLayer(layer: Layer): this;
    createPane(name: string): HTMLElement;
    getPane(name: string): HTMLElement | undefined;
    getContainer(): HTMLElement;
    getBounds(): LatLngBounds;
    getZoom(): number;
    /** In pixels. */
    getSize(): Point;
    getPixelOrigin(): Point;
    containerPointToLayerPoint(point: Offset): Point;
    latLngToContainerPoint(place: Position): Point;
    latLngToLayerPoint(place: LatLng): Point;
    layerPointToLatLng(point: Point): LatLng;
    mouseEventToLayerPoint(event: globalThis.MouseEvent): Point;
    fitBounds(corners: [Position, Position], options: FitBoundsOptions): this;
    invalidateSize(options: { pan: boolean }): this;
    panTo(place: LatLng): this;
    eachLayer(use: (layer: Layer) => void): this;
    scrollWheelZoom: { enable(): void, disable(): void };
  }

  interface FitBoundsOptions {
    paddingTopLeft?: Offset;
    paddingBottomRight?: Offset;
    maxZoom?: number;
    animate?: boolean;
  }

  type Content<Of> = (layer: Of) => HTMLElement;

  class Layer extends Evented {
    /** Not public: the map that the layer is on. */
    _map: Map;
    addTo(target: Map | FeatureGroup): this;
    remove(): this;
    /** Of what GeoJSON describes: its feature. */
    feature?: { properties?: Record<string, unknown> | null };
    /** Of paths and groups of them. */
    bringToFront?(): this;
  }

  interface PopupOptions {
    minWidth?: number;
    maxWidth?: number;
    maxHeight?: number;
    className?: string;
    offset?: Offset;
  }

  /** A group of layers, whose tooltip and popup are those of the layer that the event is about. */
  class FeatureGroup<Of extends Layer = Layer> extends Layer {
    on(events: "popupopen", listener: (event: { layer: Of }) => void): this;
    on(events: "click" | "mousemove", listener: (event: MouseEvent) => void): this;
    on(events: string, listener: () => void, context?: object): this;
    addLayer(layer: Of): this;
    removeLayer(layer: Of): this;
    hasLayer(layer: Of): boolean;
    bindTooltip(content: Content<Of>, options?: { sticky?: boolean }): this;
    bindPopup(content: Content<Of>, options?: PopupOptions): this;
  }

  interface PathOptions {
    pane?: string;
    renderer?: Canvas;
    interactive?: boolean;
    stroke?: boolean;
    color?: string;
    weight?: number;
    opacity?: number;
    dashArray?: string;
    fillColor?: string;
    fillOpacity?: number;
  }

  class GeoJSON extends FeatureGroup {
    getBounds(): LatLngBounds;
    setStyle(style: PathOptions): this;
  }

  class Canvas extends Layer {
    /** Not public: what a path needs to draw itself. */
    _ctx: CanvasRenderingContext2D;
    _drawing: boolean;
    _fillStroke(context: CanvasRenderingContext2D, path: Layer): void;
  }

  /** *Extra* are options of our own, which Leaflet keeps with its own. */
  class CircleMarker<Extra = unknown> extends Layer {
    constructor(place: Position, options: PathOptions & { radius: number } & Extra);
    options: PathOptions & Extra;
    /** None where it is drawn on a canvas. */
    getElement(): HTMLElement | undefined;
    getLatLng(): LatLng;
    /** Not public: how a path draws itself. */
    _renderer: Canvas;
    _point: Point;
    _radius: number;
    _empty(): boolean;
    _project(): void;
    _updateBounds(): void;
    _updatePath(): void;
  }

  interface MarkerOptions {
    pane?: string;
    icon: DivIcon;
    interactive?: boolean;
    keyboard?: boolean;
    riseOnHover?: boolean;
    zIndexOffset?: number;
    title?: string;
    alt?: string;
  }

  class Marker<Extra = unknown> extends Layer {
    options: MarkerOptions & Extra;
    getElement(): HTMLElement | undefined;
    getLatLng(): LatLng;
    setLatLng(place: LatLng): this;
    bindTooltip(content: Content<this>): this;
  }

  interface DivIcon {
    options: { html: HTMLElement, popupAnchor?: Offset };
  }

  interface Control {
    onAdd: (map: Map) => HTMLElement;
    addTo(map: Map): this;
  }

  function bounds(corner: Point, opposite: Point): Bounds;
  function canvas(options: { pane: string; padding?: number; tolerance?: number }): Canvas;
  function circleMarker<Extra>(
    place: Position, options: PathOptions & { radius: number } & Extra,
  ): CircleMarker<Extra>;
  function divIcon(options: {
    html: HTMLElement; iconSize: Offset; iconAnchor: Offset; className: string;
    popupAnchor?: Offset;
  }): DivIcon;
  function featureGroup<Of extends Layer>(layers?: Of[]): FeatureGroup<Of>;
  function geoJSON(
    content: object, options?: { style?: PathOptions } & PathOptions,
  ): GeoJSON;
  function latLng(latitude: number, longitude: number): LatLng;
  function latLng(place: Position): LatLng;
  function marker<Extra>(place: Position | LatLng, options: MarkerOptions & Extra): Marker<Extra>;
  function point(x: number, y: number): Point;
  function polyline(places: Position[], options: PathOptions): Layer;

  const CRS: { EPSG3857: { project(place: LatLng): Point; unproject(point: Point): LatLng } };
  const DomUtil: { setPosition(element: HTMLElement, position: Point): void };
  const DomEvent: {
    disableClickPropagation(element: HTMLElement): void;
    disableScrollPropagation(element: HTMLElement): void;
  };

  const control: {
    (options: { position: "bottomleft" | "bottomright" }): Control;
    scale(options: { imperial: boolean; maxWidth: number }): Control;
  };
}
