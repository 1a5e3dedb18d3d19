"""Some hours of some weekdays, in place of all the time between start and end."""

from __future__ import annotations

from workbench.widgets.components import controls
from workbench.widgets.components.hours import WEEKDAYS, WORKING_HOURS, WeeklyHours
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    count,
    escaped,
    markup,
    message,
    row,
)
from workbench.widgets.components.scope import ScopeModel

ALL = WeeklyHours(frozenset(range(7)), 0, 24)
MOST_WINDOWS = 3  # that are written out


class HoursField(Panel):
    """Weekdays to switch on and off, from which hour to which, and what that comes to."""

    def __init__(self, model: ScopeModel) -> None:
        self.model = model
        self._drawing = False
        self.days = [
            controls.ToggleButton(True, description=name, tooltip=name, layout={"width": "47px"})
            for name in WEEKDAYS
        ]
        hours = [(f"{hour:02}:00", hour) for hour in range(25)]
        self.begin = controls.Dropdown(
            options=hours[:24], value=0, description="From", tooltip="From which hour of the day"
        )
        self.end = controls.Dropdown(
            options=hours[1:], value=24, description="to", tooltip="To which hour of the day"
        )
        for field in (self.begin, self.end):
            field.layout.width, field.style.description_width = "130px", "40px"
        for field in (*self.days, self.begin, self.end):
            field.observe(self._on_change, "value")
        presets = row(
            button("Working hours", lambda: self._set(WORKING_HOURS), label=str(WORKING_HOURS)),
            button("All hours", lambda: self._set(ALL), label="Every hour of every day"),
        )
        self.words = markup()
        fields = Foldable(
            "Only some hours of the week", row(*self.days), row(self.begin, self.end), presets
        )
        super().__init__([fields, message(model, "hours"), self.words])
        self.add_class("sl-hours")
        model.observe(self._draw, ["hours", "start", "end"])
        self._draw()

    def _set(self, hours: WeeklyHours) -> None:
        self.model.say("hours")
        self.model.hours = None if hours == ALL else hours
        self._draw()

    def _on_change(self, _: object = None) -> None:
        if self._drawing:
            return
        days = [number for number, day in enumerate(self.days) if day.value]
        if len(days) == 7 and (self.begin.value, self.end.value) == (0, 24):
            self._set(ALL)
            return
        self._drawing = (
            True  # what was chosen stays, also where it is not a valid time of day range
        )
        try:
            self.model.set_hours(days, self.begin.value, self.end.value)
        finally:
            self._drawing = False
        self._describe()

    def _draw(self, _: object = None) -> None:
        self._describe()
        if self._drawing or (self.model.hours is None and "hours" in self.model.messages):
            return
        hours, self._drawing = self.model.hours or ALL, True
        try:
            for number, day in enumerate(self.days):
                day.value = number in hours.weekdays
            self.begin.value, self.end.value = hours.from_hour, hours.to_hour
        finally:
            self._drawing = False

    def _describe(self) -> None:
        model = self.model
        if model.hours is None:
            self.words.value = ""
            return
        windows = model.windows
        shown = [
            f"{begin.astimezone(model.zone):%a %d %b %H:%M} to "
            f"{end.astimezone(model.zone):%a %d %b %H:%M}"
            for begin, end in windows[:MOST_WINDOWS]
        ]
        if len(windows) > MOST_WINDOWS:
            shown.append(f"{len(windows) - MOST_WINDOWS:,} more")
        listed = f": {'; '.join(shown)}" if shown else ""
        number = count(len(windows), "period")
        kind = "sl-hint" if windows else "sl-warning"
        words = f"Only {model.hours}. {number}{listed}."
        self.words.value = f'<p class="{kind}" role="status">{escaped(words)}</p>'
