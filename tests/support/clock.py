"""A clock that a test moves, as what is done under a case reads it; an urgent case to end by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from types import ModuleType
from typing import Any

import pytest

from workbench.casework import approval, authority, cases, facts, oversight, register, retention
from workbench.casework.cases import Case, Request
from workbench.casework.record import audit
from workbench.domain import Probe


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
            authority, cases, facts, oversight, register, retention, approval, audit,
        )  # fmt: skip
        for module in modules:
            if hasattr(module, "datetime"):
                patch.setattr(module, "datetime", Moved)

    def forward(self, **time: float) -> None:
        self.ahead += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def begun(office: Any, clock: Any, ask: Callable[..., Request], subject: Probe) -> Case:
    """A-1, urgent and without an outside decision: anna requested it, sara let it begin."""
    request = ask(urgent="A child, by night", authorisation="")
    office.sit("anna").ask(request, subject=subject)
    case = office.approve("sara", "A-1")
    office.sit("anna")
    return case
