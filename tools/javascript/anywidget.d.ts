// What anywidget hands to the module of a widget, as far as Sightline uses it.

/**
 * The browser's side of a widget.
 *
 * @template Traits Names and types of the synchronised traits of the Python class.
 * @template Sent What this side sends to Python.
 * @template Received What Python sends to this side.
 */
interface WidgetModel<Traits, Sent = never, Received = never> {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  save_changes(): void;
  send(content: Sent, callbacks?: undefined, buffers?: ArrayBuffer[]): void;
  on(event: `change:${Extract<keyof Traits, string>}`, callback: () => void): void;
  on(event: "msg:custom", callback: MessageListener<Received>): void;
  off(event: `change:${Extract<keyof Traits, string>}`, callback: () => void): void;
  off(event: "msg:custom", callback: MessageListener<Received>): void;
  /** Jupyter's manager, which knows the models and views of all widgets. */
  widget_manager: { get_model(id: string): Promise<{ views?: Record<string, Promise<unknown>> }> };
}

type MessageListener<Received> = (message: Received, buffers: DataView<ArrayBuffer>[]) => void;

/** The argument of `render`. */
interface RenderProps<Model> {
  model: Model;
  /** The element to draw into. */
  el: HTMLElement;
}
