// What the pages that our scripts run in have besides what every browser has.

/** Plotly's script, as far as Sightline uses it. */
interface PlotlyScript {
  /** Draw into *container*, which is what comes back. */
  react(
    container: HTMLElement, data: object[], layout: object, config: object,
  ): Promise<PlotlyFigure>;
  purge(container: HTMLElement): void;
}

/** What is set of a figure that is asked about here. */
interface PlotlyLayout {
  height?: number;
  autosize?: boolean;
  xaxis?: { type?: string; title?: { text?: string }; nticks?: number; tickangle?: number };
}

/** An element that Plotly has drawn into. */
interface PlotlyFigure extends HTMLElement {
  on(event: "plotly_click", listener: (click: { points: PlotlyPoint[] }) => void): void;
}

interface PlotlyPoint {
  customdata?: unknown;
}

declare var Plotly: PlotlyScript | undefined;
declare var sightlinePlotly: Promise<PlotlyScript> | undefined;

interface Window {
  // Voila's front end calls these three, and keeps the two flags.
  voila_heartbeat: () => void;
  voila_process: () => void;
  voila_finish: () => void;
  themeLoaded?: boolean;
  cellLoaded?: boolean;
}
