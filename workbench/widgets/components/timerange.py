"""The time range of a question, as clocks show it where the cameras stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from workbench.domain import length_words, moments
from workbench.maps.zones import local_time, zone_label
from workbench.widgets.components import controls
from workbench.widgets.components.clocks import Fold
from workbench.widgets.components.footageplot import FootagePlot
from workbench.widgets.components.hourspicker import HoursField
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.scope import ScopeModel


class TimePanel(Panel):
    """Choose the start and the end of the time range in local time; *hours* of the week, too."""

    def __init__(self, model: ScopeModel, *, step: int | None = None, hours: bool = True) -> None:
        self.model = model
        self.start, self.end = _ClockField("From", model), _ClockField("To", model)
        self._drawing = False
        for field in (self.start, self.end):
            field.on_change(self._on_change)
        self.covered = markup()
        super().__init__(
            [
                heading("Time", step=step),
                markup(_span(model)),
                self.start,
                self.end,
                row(
                    button("All footage", model.set_all_footage),
                    button(
                        "Last night",
                        model.set_last_night,
                        label="20:00 to 06:00 of the last night with footage",
                    ),
                    *(
                        button(f"Last {words}", partial(model.set_last, length))
                        for words, length in _presets(model)
                    ),
                ),
                message(model, "time"),
                *([HoursField(model)] if hours else []),
                self.covered,
                FootagePlot(model),
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-time")
        model.observe(self._draw, ["start", "end"])
        model.observe(self._cover, ["start", "end", "district", "selected_cameras", "hours"])
        self._draw()
        self._cover()

    def _on_change(self) -> None:
        if self._drawing:
            return
        self._drawing = True  # what the model makes of it must not come back into the fields
        try:
            self.model.set_time(
                self.start.local,
                self.end.local,
                start_fold=self.start.fold,
                end_fold=self.end.fold,
            )
        finally:
            self._drawing = False

    def _draw(self, _: object = None) -> None:
        if self._drawing or self.model.local_range is None:
            return
        self._drawing = True
        try:
            for field, (local, fold) in zip(
                (self.start, self.end), self.model.local_range, strict=True
            ):
                field.show(local, fold)
        finally:
            self._drawing = False

    def _cover(self, _: object = None) -> None:
        """Say before the search where there is no footage to search."""
        inside = self.model.cameras_inside
        if not inside or self.model.start is None:
            self.covered.value = ""
            return
        seconds = self.model.footage_seconds()
        without = len(inside) - len(seconds)
        if not seconds:
            words = (
                "No camera in the district has footage in this time. No footage does not mean not "
                "there."
            )
            kind = "sl-warning"
        else:
            words = (
                f"{count(len(seconds), 'camera')} of {len(inside):,} in the district "
                f"{'has' if len(seconds) == 1 else 'have'} footage in this time, "
                f"{length_words(round(sum(seconds.values())))} in all."
            )
            kind = "sl-hint"
            if without:
                words += f" No one can be found at the other {without:,}."
        self.covered.value = f'<p class="{kind} sl-covered">{escaped(words)}</p>'


class _ClockField(Panel):
    """A date, a time, and which of the two is meant where clocks showed it twice."""

    # A browser's own date-and-time field passes through the zone of the browser, which may know
    # neither the hour that clocks skipped here nor the one they showed twice; so there are two.
    def __init__(self, name: str, model: ScopeModel) -> None:
        self.zone = model.zone
        self.date = controls.DatePicker(
            description=name,
            layout={"width": "auto", "flex": "1 1 150px", "min_width": "0"},
            style={"description_width": "40px"},
            tooltip=f"{name}: date",
        )
        self.time = controls.TimePicker(
            step=1,
            layout={"width": "auto", "flex": "0 1 130px", "min_width": "0"},
            tooltip=f"{name}: local time",
        )
        self.which = controls.ToggleButtons(options=[], tooltip=f"{name}: which of the two")
        self.which.layout.display = "none"
        self._ambiguous: datetime | None = None
        self._exact: datetime | None = None  # what is shown, to the microsecond
        super().__init__([row(self.date, self.time), self.which])

    @property
    def local(self) -> datetime | None:
        if self.date.value is None or self.time.value is None:
            return None
        shown = datetime.combine(self.date.value, self.time.value)
        exact = self._exact
        return exact if exact is not None and shown == exact.replace(microsecond=0) else shown

    @property
    def fold(self) -> Fold:
        return self.which.value if self._ambiguous is not None else None

    def show(self, local: datetime, fold: Fold) -> None:
        # The browser's field is empty where a time has more than milliseconds.
        self._exact = local
        self.date.value, self.time.value = local.date(), local.time().replace(microsecond=0)
        self._offer(fold)

    def on_change(self, call: Any) -> None:
        def changed(_: object) -> None:
            self._offer()
            call()

        self.date.observe(changed, "value")
        self.time.observe(changed, "value")
        self.which.observe(lambda _: call(), "value")

    def _offer(self, fold: Fold = None) -> None:
        """Offer the choice where clocks showed this time twice."""
        found = moments(self.local, self.zone) if self.local else ()
        ambiguous = self.local if len(found) == 2 else None
        if ambiguous is None:
            self._ambiguous = None
            self.which.layout.display = "none"
        elif ambiguous != self._ambiguous:
            self._ambiguous = None  # not a choice yet
            words = ("the first time", "the second time")
            self.which.options = [
                (f"{zone_label(one, self.zone)} ({which})", number)
                for number, (one, which) in enumerate(zip(found, words, strict=True))
            ]
            self.which.value = fold
            self._ambiguous = ambiguous
            self.which.layout.display = ""


def _span(model: ScopeModel) -> str:
    zone = f"Local time at the cameras: <strong>{escaped(model.zone.key)}</strong>."
    if model.span is None:
        return f'<p class="sl-hint">{zone} There is no footage in this gallery.</p>'
    first, last = (moment.astimezone(model.zone) for moment in model.span)
    day = "" if first.date() == last.date() else "%a %d %b %Y, "
    footage = (
        f"Footage from {local_time(first, model.zone, '%a %d %b %Y, %H:%M')} "
        f"to {local_time(last, model.zone, f'{day}%H:%M')}."
    )
    return f'<p class="sl-hint">{zone}<br>{escaped(footage)}</p>'


def _presets(model: ScopeModel) -> list[tuple[str, timedelta]]:
    """The lengths that are shorter than the footage."""
    if model.span is None:
        return []
    length = model.span[1] - model.span[0]
    lengths = {"10 min": 10, "hour": 60, "6 hours": 360, "24 hours": 1440, "7 days": 10_080}
    fitting = [(words, timedelta(minutes=m)) for words, m in lengths.items()]
    return [(words, one) for words, one in fitting if one < length][-3:]
