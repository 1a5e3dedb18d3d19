"""Presses every control of a page, and tells what would have left it."""

from __future__ import annotations

from typing import Any

# Before any script of the page: what would open a window or a file is told instead.
WATCH = """
window.leaving = [];
window.open = (address) => { window.leaving.push(`window ${address}`); return null; };
addEventListener("submit", (event) => event.preventDefault(), true);
addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest("a[href]");
  if (!link || link.getAttribute("href").startsWith("#") || link.protocol === "blob:") return;
  if (link.origin !== location.origin) window.leaving.push(`link ${link.href}`);
  event.preventDefault();  // the page stays, to press the next one
}, true);
"""
# All that is there to be pressed, once each; returns how many. A press may bring new ones.
PRESS = """async ([most, pause]) => {
  const wanted = "button, summary, a, [role=button], [role=tab], input[type=checkbox],"
    + " input[type=radio], .modebar-btn";
  const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });
  window.pressed ??= new Set();
  let count = 0;
  for (;;) {
    const next = [...document.querySelectorAll(wanted)].find((one) => !window.pressed.has(one)
      && one.checkVisibility() && !one.disabled && !one.closest(".sl-sign-out, .sl-lost"));
    if (!next || count >= most) return count;
    window.pressed.add(next);
    next.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: window }));
    count += 1;
    await wait(pause);
  }
}"""
NAMED = """() => [...document.querySelectorAll("[title], [data-title]")]
  .filter((one) => one.checkVisibility()
    && /^null$|share chart|plotly/i.test(one.title || one.dataset.title))
  .map((one) => one.outerHTML.slice(0, 160))"""


def watch(page: Any) -> list[str]:
    """Watch a page before it is opened; the list names each window that it opens."""
    opened: list[str] = []
    page.add_init_script(WATCH)
    page.on("popup", lambda popup: opened.append(f"popup {popup.url}"))
    page.on("dialog", lambda dialog: dialog.dismiss())
    return opened


def press_everything(page: Any, *, most: int = 120, pause: int = 15) -> int:
    """Press each control of the page and of the frames in it once; return how many there were.

    Fails where one of them leads to another host, or has the tooltip of an upload.
    """
    count = 0
    # Those in a frame first: what is pressed on the page may draw the frame anew.
    for frame in reversed(page.frames):
        count += frame.evaluate(PRESS, [most, pause])
        leading, named = frame.evaluate("window.leaving ?? []"), frame.evaluate(NAMED)
        assert not leading, leading
        assert not named, named
    return count
