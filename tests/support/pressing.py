"""Presses every control of a page, and tells what would have left it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Error

PAUSE = 15  # milliseconds after each press
QUIET = 300  # milliseconds in which nothing new is drawn, once the kernel has answered
PATIENCE = 30_000  # milliseconds for what has gone to come back
SHORTLY = 900  # milliseconds for what may go

# By the beginnings of their names. They end the session, and with it the page that is pressed;
# tests/browser/test_team_in_browser.py presses each.
LEFT_OUT = ["Sign out", "End session", "End the session"]
# They show something else in place of what is there, and are pressed one at a time and in this
# order, when nothing else is left.
LAST = ["Remove", "Undo", "Close", "Open the recording", "Show sighting", "Show which cameras",
        "Request another area", "Change the question", "Next", "Previous", "Make them",
        "Load new decisions", "Refresh", "Show the list of the cases", "Show case", "The case",
        "Case"]  # fmt: skip
# Leads back to what was there before one of those.
BACK = ["Show the list of the cases"]
# Go when another one is pressed that stands beside them, or with the work that they would end.
EITHER = ["Save changes", "Cancel editing", "Cancel drawing", "Finish drawing",
          "Delete last point drawn", "Clear all layers", "Back to the recommended score",
          "Cancel the current task", "Cancel the court package", "Stop; finished"]  # fmt: skip
# What would open a window, or lead elsewhere, is told instead; a file is downloaded.
WATCH = """() => {
  if (window.leaving) return;
  window.leaving = [];
  window.open = (address) => { window.leaving.push(`window ${address}`); return null; };
  // Behind what fills the screen nothing could be pressed.
  Element.prototype.requestFullscreen = () => Promise.resolve();
  const stay = (event, kind, held, address) => {
    if (held.target && held.target !== "_self") window.leaving.push(`window ${address}`);
    if (new URL(address, location.href).origin !== location.origin) {
      window.leaving.push(`${kind} ${address}`);
    }
    event.preventDefault();  // the page stays, to press the next one
  };
  addEventListener("submit", (event) => {
    stay(event, "form", event.target, event.target.action);
  }, true);
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[href]");
    if (!link || link.getAttribute("href").startsWith("#")) return;
    if (!(link.protocol === "blob:" && link.download)) stay(event, "link", link, link.href);
  }, true);
}"""
# Presses what is there, was not pressed yet and has its turn, but one of the last; tells the names
# of that, and those that were there and have gone before they were pressed. What a press brings is
# pressed as well, and first: it may go with the next. One that was drawn anew is the same: of those
# with one name, no more are pressed than there are at once.
PRESS = """async ([within, leftOut, last, back, either, turn, pause, most]) => {
  const wanted = "button, summary, a[href], area[href], textarea, input, select, [role=button],"
    + " [role=link], [role=tab], [role=option], [role=menuitem], [role=switch], [role=checkbox],"
    + " [role=slider], .modebar-btn";
  const textOf = (label) => [...label.childNodes].filter((part) => part.localName !== "output")
    .map((part) => part.textContent).join("");
  const nameOf = (one) => (one.ariaLabel || one.title || one.dataset.title
    || [...one.labels ?? []].map(textOf).join(" ") || one.placeholder
    || one.textContent).replaceAll("\u200b", "").trim();
  const keyOf = (one) => [one.localName, one.parentElement.classList[0], nameOf(one)].join(" ");
  const startsWith = (name, words) => words.some((word) => name.startsWith(word));
  window.pressed ??= { ones: new WeakSet(), times: new Map(), waiting: new Set(),
    held: new Map(), since: new WeakMap(), scans: 0 };
  const { ones, times, waiting, held, since } = window.pressed;
  const hides = (one) => one.textContent.startsWith("▾")
    || (one.localName === "summary" && one.parentElement.open);
  const turnOf = (one) => startsWith(nameOf(one), last) || hides(one) ? "last"
    : one.localName === "select" ? "choice" : "first";
  const placeOf = (one) => last.findIndex((word) => nameOf(one).startsWith(word));
  const find = () => {
    const there = [...document.querySelectorAll(wanted)].filter((one) => !one.disabled
      && one.checkVisibility({ visibilityProperty: true }) && one.type !== "hidden"
      && one.closest(within) && !one.closest(".sl-lost") && !startsWith(nameOf(one), leftOut)
      && !one.matches(".leaflet-editing-icon, .leaflet-mouse-marker"));  // corners to drag
    const keys = there.map(keyOf);
    window.pressed.scans += 1;
    there.forEach((one, i) => {
      if (!since.has(one)) since.set(one, window.pressed.scans);
      if (ones.has(one)) return;
      held.set(keys[i], (held.get(keys[i]) ?? new Set()).add(one));
      times.set(keys[i], times.get(keys[i]) ?? 0);
      if (turnOf(one) === "last") waiting.add(keys[i]);
    });
    const [one] = there.filter((one, i) => (turn === "back" && startsWith(nameOf(one), back))
      || (!ones.has(one) && turn === turnOf(one)
        && times.get(keys[i]) < keys.filter((key) => key === keys[i]).length))
      .sort((one, other) => (turn === "last" && placeOf(one) - placeOf(other))
        || since.get(other) - since.get(one));
    const gone = [...held].filter(([key, seen]) => !times.get(key)
      && (turn === "last" || !waiting.has(key)) && !keys.includes(key)
      && ![...seen].some((one) => ones.has(one) || there.includes(one)))
      .map(([key, [one]]) => [key, startsWith(nameOf(one), either)]);
    return { one, gone };
  };
  const press = (one) => {
    const said = { bubbles: true, cancelable: true, view: window };
    if (one.matches("select, input[type=range]")) {
      if (one.localName === "select") one.selectedIndex = (one.selectedIndex + 1) % one.length;
      else one.stepUp();
      for (const kind of ["input", "change"]) one.dispatchEvent(new Event(kind, said));
    } else if (one.matches("[role=slider]")) {
      one.dispatchEvent(new KeyboardEvent("keydown", { ...said, key: "ArrowRight" }));
    } else {
      one.dispatchEvent(new MouseEvent("click", said));
    }
  };
  const names = [];
  for (;;) {
    const { one, gone } = find();
    if (!one) return [names, gone];
    ones.add(one);
    times.set(keyOf(one), (times.get(keyOf(one)) ?? 0) + 1);
    names.push(nameOf(one) || one.outerHTML.slice(0, 80));
    press(one);
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    if (turn === "last" || turn === "back" || names.length >= most) return [names, find().gone];
  }
}"""
# Until a page has drawn nothing new for so many milliseconds; that it plays or flickers is nothing.
SETTLE = """(quiet) => new Promise((resolve) => {
  let waiting;
  const over = () => { watching.disconnect(); resolve(); };
  const watching = new MutationObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(over, quiet);
  });
  watching.observe(document.body, { subtree: true, childList: true });
  waiting = setTimeout(over, quiet);
  setTimeout(over, 20 * quiet);
})"""
DRAWN = """() => ![...document.querySelectorAll(".sl-plot")].some((one) =>
  one.checkVisibility() && one.textContent === "Drawing…")"""
NAMED = """() => [...document.querySelectorAll("[title], [data-title]")]
  .filter((one) => one.checkVisibility()
    && /^null$|share chart|plotly/i.test(one.title || one.dataset.title))
  .map((one) => one.outerHTML.slice(0, 160))"""


def drawn_anew(frame: Any, error: Error) -> bool:
    """Check that an error came as a frame went, as that of a map does: there is another."""
    return frame.is_detached() or "context was destroyed" in str(error)


def press_everything(
    page: Any,
    *,
    within: str = "body",
    leave: Sequence[str] = (),
    fleeting: Sequence[str] = EITHER,
    most: int = 600,
) -> list[str]:
    """Press each control of the page and of the frames in it once; return their names.

    Buttons, links, folds, boxes and fields are clicked; choices and sliders are moved by one. What
    a press brings is pressed as well, until there is nothing that was not. Fails where one of them
    leads to another host, opens a window, or has the tooltip of an upload, where one has gone
    before it was pressed and does not come back, and where there is no end to them.

    *within* selects the parts of the page itself whose controls are pressed; those whose names
    begin with one of *leave* are not. Those with *fleeting* names may go with what another press
    changes, if they are no more than one for ten that are pressed.
    """
    opened: list[str] = []
    page.on("popup", lambda popup: opened.append(popup.url))
    page.on("dialog", lambda dialog: dialog.dismiss())
    names: list[str] = []

    def press(turn: str) -> tuple[int, dict[str, bool]]:
        """Return how many were pressed, and what has gone: whether it may."""
        before = len(names)
        gone: dict[str, bool] = {}
        # Those in a frame first: what is pressed on the page may draw the frame anew.
        for frame in reversed(page.frames):
            held = within if frame == page.main_frame else "body"
            words = [[*LEFT_OUT, *leave], LAST, BACK, [*fleeting]]
            try:
                frame.evaluate(WATCH)
                asked = [held, *words, turn, PAUSE, most - len(names)]
                pressed, missing = frame.evaluate(PRESS, asked)
            except Error as error:
                if not drawn_anew(frame, error):
                    raise
                continue
            names.extend(pressed)
            gone |= dict(missing)
            assert len(names) < most, names
            if turn in ("last", "back") and pressed:
                break
        if len(names) > before:
            page.evaluate(SETTLE, QUIET)  # the kernel answers
        return len(names) - before, gone

    given_up: set[str] = set()  # may go, and did not come back
    waited = quiet = 0
    while quiet < SHORTLY:  # a busy kernel is still to bring what was pressed for, perhaps
        # A choice is made once the kernel has said what there is to choose from.
        pressed, gone = press("first")
        if not pressed:
            pressed, gone = press("choice")
        over = False
        if not pressed and gone.keys() <= given_up:
            page.wait_for_function(DRAWN)  # to fold it up takes its buttons away
            pressed, gone = press("last")
            over = not pressed and gone.keys() <= given_up
            if not pressed and not over:
                press("back")
        quiet = quiet + QUIET if over else 0
        waited = 0 if pressed else waited + QUIET
        if waited >= SHORTLY:
            given_up |= {key for key, may in gone.items() if may}
        missing = [key for key in gone if key not in given_up]
        assert waited < PATIENCE, missing
        if not pressed:
            page.wait_for_timeout(QUIET)
    assert 10 * len(given_up) <= len(names), given_up
    for frame in page.frames:
        try:
            leading, named = frame.evaluate("window.leaving"), frame.evaluate(NAMED)
        except Error as error:
            if not drawn_anew(frame, error):
                raise
            continue
        assert not leading, leading
        assert not named, named
    assert not opened, opened
    return names
