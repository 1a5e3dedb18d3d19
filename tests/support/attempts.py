"""What several attempts of misuse need."""

from __future__ import annotations

from typing import Any

from workbench.casework.reviewing.review import decide

SEEN = {"nose": "similar", "ears": "similar", "mouth": "similar"}


def judge(office: Any, name: str, key: str, **changed: Any) -> None:
    given: dict[str, Any] = {"conclusion": 3, "features": SEEN, "reason": "Compared."}
    decide(office.sit(name), "A-1", key, **(given | changed))
