"""The sheet on which a decision is made: features, conclusion, reason, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Dict, Int, List, Unicode

from workbench.casework.plaintext import LONGEST_TEXT
from workbench.casework.reviewing.verdicts import FEATURES, LEAST_FEATURES
from workbench.widgets.review.model import CONCLUSIONS


class DecisionSheet(anywidget.AnyWidget):
    """Asks for a decision on a face; what is not recorded yet stays in the browser, face by face.

    Parameters
    ----------
    on_record : callable
        Called with features, conclusion and reason, as the browser sent them.
    on_step : callable
        Called with 1 or -1, to go to another face.
    """

    _esm = Path(__file__).with_name("sheet.js")
    _css = Path(__file__).with_name("sheet.css")

    face = Unicode("", help="key of the face; empty for none").tag(sync=True)
    features: Any = List(list(FEATURES)).tag(sync=True)
    conclusions: Any = List(list(CONCLUSIONS)).tag(sync=True)
    least = Int(LEAST_FEATURES, help="features to compare").tag(sync=True)
    longest = Int(LONGEST_TEXT, help="characters of a reason").tag(sync=True)
    problems: Any = Dict(help="by field what it lacks, in words").tag(sync=True)

    def __init__(
        self,
        on_record: Callable[[dict[str, Any], str, str], object],
        on_step: Callable[[int], object],
    ) -> None:
        super().__init__()
        self._on_record, self._on_step = on_record, on_step
        self.on_msg(self._received)

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        """Do what the browser asks; what comes may be anything."""
        if message.get("step") in (1, -1):
            self._on_step(message["step"])
            return
        if not self.face or message.get("face") != self.face:  # pressed for one that is gone
            return
        features, conclusion = message.get("features"), message.get("conclusion")
        if isinstance(features, dict):
            seen = {str(name): str(what) for name, what in features.items()}
            self._on_record(seen, str(conclusion), str(message.get("reason", "")))
