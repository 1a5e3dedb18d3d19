"""What widgets send to the browser."""

from __future__ import annotations

import json
from typing import Any

import comm
import pytest

from workbench.casework.register import CaseRegister, all_entries
from workbench.domain import Candidate
from workbench.live.view import data_uri
from workbench.widgets.components.media import address


class Wire:
    """Everything that widgets have sent, as text, and the faces in it or that can be asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.text = ""
        monkeypatch.setattr(comm, "create_comm", self._open)

    def _open(self, **options: Any) -> comm.DummyComm:
        wire = self

        class Heard(comm.DummyComm):
            def publish_msg(self, msg_type: str, **message: Any) -> None:
                wire.text += json.dumps(message, default=str)

        return Heard(**options)

    def faces(self, candidates: tuple[Candidate, ...]) -> set[str]:
        return {
            one.tracklet_id
            for one in candidates
            if data_uri(one.shot_jpeg).split(",")[1] in self.text
            or address(one.shot_jpeg) in self.text
        }


def viewed(register: CaseRegister) -> set[str]:
    """The tracklets whose best shots the record says were shown."""
    entries = all_entries(register.folder)
    return {t for e in entries if e.what == "shot.viewed" for t in e.about.get("tracklets", ())}
