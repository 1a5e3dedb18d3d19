"""Timeline of candidates by camera, over the footage there is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.domain import Scope
from workbench.maps.timeline import timeline
from workbench.widgets.components.parts import Panel, button, heading, markup, row
from workbench.widgets.components.plot import Plot
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions

if TYPE_CHECKING:
    import pandas as pd

MOST_FILLED = 0.7  # of the time range; with more, the part with footage is not shown for itself


class TimelinePanel(Panel):
    """A Plotly timeline: before a search the footage there is, after it the candidates too.

    A case may allow days where there is footage of an evening. So the time with footage is shown
    first, and the whole range at a click.
    """

    def __init__(self, model: Investigation, triage: TriageOpinions | None = None) -> None:
        self.model, self.triage = model, triage or TriageOpinions(model)
        self.plot = Plot(self._select)
        self.hint = markup()
        self.whole = False
        self.turn = button("Show the whole time range", self._turn)
        super().__init__([row(heading("When"), self.turn), self.hint, self.plot])
        self.add_class("sl-panel")
        self.add_class("sl-timeline")
        model.observe(self._draw, ["result", "threshold", "selected", "district", "start", "end"])
        self.triage.observe(self._draw, "opinions")
        self._draw()

    def _turn(self) -> None:
        self.whole = not self.whole
        self._draw()

    def _draw(self, _: object = None) -> None:
        opinions = self.triage.opinions
        rejected = {name for name, one in opinions.items() if one.verdict == "different"}
        figure, is_part = drawn(self.model, whole=self.whole, rejected=rejected)
        self.plot.draw(figure)
        self.turn.layout.display = "" if is_part else "none"
        self.turn.description = (
            "Show the time with footage" if self.whole else "Show the whole time range"
        )
        words = (
            "Click a mark to highlight its candidate."
            if self.model.shown
            else "Bars are footage. Where there is none, no one can be found."
        )
        self.hint.value = f'<p class="sl-hint">{words}</p>'

    def _select(self, tracklet_id: Any) -> None:
        self.model.selected = str(tracklet_id)


def drawn(
    model: Investigation, *, whole: bool = False, rejected: Collection[str] = ()
) -> tuple[Any, bool]:
    """Draw the timeline of the result, or, as long as there is none, of the footage in question.

    *rejected* are the tracklet_ids of candidates that were marked “not same”.

    Returns
    -------
    figure : Figure
        Of the time with footage, or of the *whole* range.
    bool
        Whether the two differ.
    """
    result = model.result
    scope: Scope | None
    if result is not None:
        scope, cameras = result.scope, result.cameras
    else:
        area = model.district or model.whole_area()
        scope = Scope(area, model.start, model.end) if model.start and model.end else None
        cameras = model.cameras_inside or model.cameras
    footage = model.footage
    if len(cameras) < len(model.cameras):
        footage = footage[footage["camera_id"].isin([camera.camera_id for camera in cameras])]
    filmed = scope and filmed_part(scope, footage)
    figure = timeline(
        None if result is None else model.shown,
        zone=model.zone,
        scope=scope if whole or filmed is None else filmed,
        coverage=footage,
        selected=model.selected or None,
        rejected=rejected,
    )
    return figure, filmed is not None


def filmed_part(scope: Scope, footage: pd.DataFrame) -> Scope | None:
    """Return the part of a scope from its first footage to its last; None if that is most of it."""
    inside = footage[(footage["started_at"] < scope.end) & (footage["ended_at"] > scope.start)]
    if inside.empty:
        return None
    start = max(scope.start, inside["started_at"].min().to_pydatetime())
    end = min(scope.end, inside["ended_at"].max().to_pydatetime())
    if end - start > MOST_FILLED * (scope.end - scope.start):
        return None
    return replace(scope, start=start, end=end)
