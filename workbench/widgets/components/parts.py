"""The small pieces that every panel is made of. Text becomes HTML here, and is escaped here."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any

from traitlets import observe

from workbench.domain import Camera, Candidate
from workbench.faces.probes import POOR_BELOW
from workbench.widgets.components import controls
from workbench.widgets.components.style import styled

if TYPE_CHECKING:
    from workbench.errors import SightlineError
    from workbench.widgets.components.tasks import Tasks

GOOD_FROM = 0.7  # quality, from 0 to 1
LONGEST_WORD = 24  # letters; what is longer, such as a path or a digest, may be broken anywhere


class Panel(controls.VBox):  # type: ignore[misc]
    """A box of widgets, one below another: what panels and pages are derived from.

    It looks the same in JupyterLab, in Voila and on a page of the server: see :func:`styled`.
    """

    def __init__(self, children: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(children, **options)
        styled(self)

    @observe("children")
    def _say_no_null(self, change: Any) -> None:
        """Give named fields an empty tooltip where they have none: Jupyter shows ``null`` there."""
        waiting = list(change["new"])
        while waiting:
            widget = waiting.pop()
            waiting += getattr(widget, "children", ())
            if getattr(widget, "description", "") and widget.tooltip is None:
                widget.tooltip = ""


def escaped(text: object) -> str:
    """Any text as HTML that shows it unchanged, in an element or a quoted attribute."""
    return html.escape(str(text))


def time_mark(candidate: Candidate, zone: tzinfo) -> str:
    """HTML that says why a time is corrected or uncertain; empty if it is neither."""
    time = candidate.time
    if not time.mark:
        return ""
    return f' <span class="sl-hint">({escaped(time.remark(zone))})</span>'


def markup(page: str = "", *classes: str) -> Any:
    """A widget that shows HTML; whatever people wrote in it must have been :func:`escaped`."""
    widget = controls.HTML(page, style=_style(controls.HTML))
    for name in ("sl-markup", *classes):
        widget.add_class(name)
    return widget


@cache
def _style(kind: type) -> Any:
    """One style for all widgets of a kind: each would have its own, which the page has to fetch."""
    return kind().style


def heading(title: str, *, step: int | None = None) -> Any:
    """The title of a panel, numbered where it is a step."""
    number = f'<span class="sl-number">{step}</span>' if step else ""
    return markup(f'<h2 class="sl-heading">{number}{escaped(title)}</h2>')


def message(model: Tasks, field: str) -> Any:
    """Show the message about *field*, while there is one."""
    widget = markup()

    def draw(_: object = None) -> None:
        lines = model.messages.get(field, "").splitlines()
        paragraphs = "".join(f"<p>{escaped(line)}</p>" for line in lines)
        # The element stays, so that screen readers announce what comes into it.
        body = f'<div class="sl-message">{paragraphs}</div>' if lines else ""
        widget.value = f'<div role="alert" data-field="{escaped(field)}">{body}</div>'

    model.observe(draw, "messages")
    draw()
    return widget


def refusal(title: str, error: SightlineError) -> Any:
    """Make the notice that replaces a page that cannot be shown: why, and what to do."""
    return styled(
        markup(
            f'<div class="sl-problem" role="alert"><h2 class="sl-heading">{escaped(title)}</h2>'
            f"<p>{escaped(error)}</p></div>"
        )
    )


def button(text: str, press: Callable[[], None], *, style: str = "", label: str = "") -> Any:
    """A button; *label* says more than its text to those who point at it."""
    widget = controls.Button(
        description=text,
        button_style=style,
        tooltip=label or None,
        layout={"width": "auto"},
        style=_style(controls.Button),
    )
    widget.on_click(lambda _: press())
    return widget


def panel(*children: Any) -> Panel:
    """Put children below one another, in a frame of their own."""
    box = Panel(children)
    box.add_class("sl-panel")
    return box


def row(*children: Any) -> Any:
    """Children side by side, in as many lines as they need."""
    box = controls.HBox(children)
    box.add_class("sl-row")
    return box


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write an HTML table of texts; an empty string without rows."""
    lines = "".join(
        f"<tr>{''.join(f'<td>{_unbroken(text)}</td>' for text in one)}</tr>" for one in rows
    )
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in columns)
    page = (
        '<div class="sl-scroll" tabindex="0"><table class="sl-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
    return page if lines else ""


def _unbroken(text: str) -> str:
    """Escape a text so that no word of it is broken, not at a hyphen either, but for digests."""
    return re.sub(r"\S+", _word, text)


def _word(found: re.Match[str]) -> str:
    word = found[0]
    if len(word) > LONGEST_WORD:
        return f'<span class="sl-long">{escaped(word)}</span>'
    hyphen = re.search(r"\w-\w", word)
    return f'<span class="sl-word">{escaped(word)}</span>' if hyphen else escaped(word)


class Foldable(controls.VBox):  # type: ignore[misc]
    """Children that are shown, or hidden, when their title is pressed."""

    def __init__(self, title: str, *children: Any, shown: bool = False) -> None:
        # The headers of Jupyter's own Accordion cannot be reached with the keyboard.
        self._inside = controls.VBox(children)
        self._inside.add_class("sl-folded")
        self.switch = controls.ToggleButton(shown, layout={"width": "100%"})
        self.switch.add_class("sl-fold")
        super().__init__([self.switch, self._inside])
        self.switch.observe(self._turn, "value")
        self.rename(title)

    def rename(self, title: str) -> None:
        """Give it another title."""
        self._title, self.switch.tooltip = title, f"Show or hide: {title}"
        self._turn()

    def _turn(self, _: object = None) -> None:
        shown = self.switch.value
        self._inside.layout.display = "" if shown else "none"
        self.switch.description = f"{'▾' if shown else '▸'} {self._title}"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 camera``, ``1,200 cameras``, ``2 stretches``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(things: Sequence[str]) -> str:
    """Join texts as in a sentence: ``a, b and c``."""
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"


def quality_words(overall: float) -> str:
    """Describe a quality from 0 to 1 as good, fair or poor."""
    if overall >= GOOD_FROM:
        return "good"
    return "fair" if overall >= POOR_BELOW else "poor"


def camera_name(camera: Camera) -> str:
    """Name a camera: its name and id, or its id alone. The text is not escaped."""
    return camera.words()
