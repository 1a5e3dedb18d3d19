"""The footage of a question over time and by camera, shown before any search."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from workbench.domain import Span, length_words
from workbench.maps.zones import local_time
from workbench.widgets.components.parts import Foldable, Panel, count, escaped, markup
from workbench.widgets.components.plot import Plot
from workbench.widgets.components.scope import ScopeModel

MOST_GAPS = 3  # that are written out, the longest
SHORTEST_GAP = 60  # seconds


class FootagePlot(Panel):
    """A histogram of the footage that the question is about, and its gaps in words."""

    def __init__(self, model: ScopeModel) -> None:
        self.model = model
        self.plot = Plot(lambda _: None)
        self.words = markup()
        self.legend = markup()
        inside = Foldable("Footage over time and by camera", self.legend, self.plot, shown=True)
        super().__init__([self.words, inside])
        self.add_class("sl-footage-plot")
        model.observe(self._draw, ["start", "end", "district", "selected_cameras", "hours"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        from workbench.maps.histogram import histogram, occupancy

        model = self.model
        windows, chosen = model.windows, model.numbers_inside
        if not model.cameras or not windows:
            self.words.value = self.legend.value = ""
            self.plot.layout.display = "none"
            return
        counted = occupancy(
            model.recordings(), model.cameras, windows, chosen=chosen if len(chosen) else None
        )
        self.plot.draw(histogram(counted, zone=model.zone))
        self.plot.layout.display = ""
        rows = f"the {len(counted.rows)} of {counted.total:,} cameras with the least footage"
        below = "each camera" if len(counted.rows) == counted.total else rows
        self.legend.value = (
            f'<p class="sl-hint">Top: number of cameras with footage. Below: {below}.</p>'
        )
        words = gap_words(counted.gaps, model.zone)
        self.words.value = f'<p class="sl-hint">⚠ {escaped(words)}</p>' if words else ""


def gap_words(gaps: Sequence[Span], zone: ZoneInfo) -> str:
    """Describe the times without any footage, the longest by name; empty if there are none."""
    gaps = [gap for gap in gaps if (gap[1] - gap[0]).total_seconds() >= SHORTEST_GAP]
    if not gaps:
        return ""
    longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:MOST_GAPS]
    listed = "; ".join(_stretch(gap, zone) for gap in sorted(longest))
    if len(gaps) > MOST_GAPS:
        listed = f"the longest are {listed}"
    hours = length_words(round(sum((end - begin).total_seconds() for begin, end in gaps)))
    words = f"No camera has footage in {count(len(gaps), 'period')}, {hours} in all: "
    return f"{words}{listed}. No footage does not mean not there."


def _stretch(gap: Span, zone: ZoneInfo) -> str:
    begin, end = (moment.astimezone(zone) for moment in gap)
    same_day = begin.date() == end.date()
    last = local_time(end, zone, "%H:%M" if same_day else "%a %d %b %H:%M")
    return f"{local_time(begin, zone, '%a %d %b %H:%M')} to {last}"
