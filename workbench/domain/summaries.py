"""Short descriptions of values, as a notebook and a terminal show them.

What a notebook shows it also saves, and a saved notebook is copied, sent and committed. So a
summary counts and names, and holds no picture, no template and no secret.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """Description of a value: what it is, its properties by name, notes, and a table.

    Parameters
    ----------
    title : str
    properties : tuple of (name, value)
        Those with an empty value are left out.
    notes : tuple of str
        Sentences that must be read with it.
    headings, rows : tuple of str, sequence of tuples of str
        A table; :data:`MOST_ROWS` rows of it are shown.
    """

    title: str
    properties: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()

    def text(self) -> str:
        """Return the summary as one line."""
        said = ", ".join(f"{name} {value}" for name, value in self._properties())
        return f"<{self.title}: {said}>" if said else f"<{self.title}>"

    def html(self) -> str:
        """Return the summary as HTML, all texts escaped; colours are those of the page."""
        cell = 'style="text-align:left"'
        made = f"<strong>{html.escape(self.title)}</strong>"
        for note in self.notes:
            made += f"<p>{html.escape(note)}</p>"
        made += "<table>"
        for name, value in self._properties():
            made += (
                f'<tr><th scope="row" {cell}>{html.escape(name)}</th>'
                f"<td {cell}>{html.escape(value)}</td></tr>"
            )
        made += "</table>"
        if self.rows:
            heads = "".join(f'<th scope="col" {cell}>{html.escape(h)}</th>' for h in self.headings)
            made += f"<table><tr>{heads}</tr>"
            for row in self.rows[:MOST_ROWS]:
                cells = "".join(f"<td {cell}>{html.escape(value)}</td>" for value in row)
                made += f"<tr>{cells}</tr>"
            made += "</table>"
        if (left := len(self.rows) - MOST_ROWS) > 0:
            made += f"<p>{left:,} more</p>"
        return f"<div>{made}</div>"

    def _properties(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.properties if value]


class Summarised:
    """A value that a notebook and a terminal show by its :meth:`summary`."""

    __slots__ = ()

    def summary(self) -> Summary:
        """Describe the value, without pictures, templates or secrets."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


def written(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def span_of(values: Sequence[float]) -> str:
    """Return the least and the largest of some numbers, to two digits: ``0.61 to 0.93``."""
    if not values:
        return ""
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
