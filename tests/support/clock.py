"""A clock that a test moves: the machine's, as what is done under a case reads it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from types import ModuleType

import pytest

from workbench.casework import approval, authority, cases, facts, register, retention
from workbench.casework.record import audit


class Clock:
    """``clock.forward(hours=48)`` lets time pass, with nobody waiting for it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        clock = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return datetime.now(tz) + clock.ahead

        modules: tuple[ModuleType, ...] = (
            authority, cases, facts, register, retention, approval, audit,
        )  # fmt: skip
        for module in modules:
            if hasattr(module, "datetime"):
                patch.setattr(module, "datetime", Moved)

    def forward(self, **time: float) -> None:
        self.ahead += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
