"""The fields of the time range."""

from __future__ import annotations

from datetime import timedelta

from workbench.widgets.components.timerange import TimePanel
from workbench.widgets.investigate.model import Investigation


def test_the_fields_of_time_follow_the_model_and_lead_it(asked: Investigation) -> None:
    panel = TimePanel(asked)
    assert str(panel.start.local) == "2026-03-29 00:47:00"
    asked.set_last(timedelta(hours=1))
    assert str(panel.start.local) == "2026-03-29 15:21:00"
    panel.end.time.value = panel.start.time.value
    assert "the end is not after the start" in asked.messages["time"]
    assert panel.end.time.value == panel.start.time.value  # what was typed stays
    asked.set_all_footage()
    assert "time" not in asked.messages
    assert str(panel.end.local) == "2026-03-29 16:21:00"
    # A field of the browser shows whole seconds alone; nothing is lost of a time that has more.
    start, end = asked.start.replace(microsecond=361_500), asked.end
    asked.set_range(start, end)
    assert panel.start.time.value.microsecond == 0
    panel.end.time.value = panel.end.time.value.replace(minute=20)
    assert asked.start == start
    assert asked.end == end - timedelta(minutes=1)
