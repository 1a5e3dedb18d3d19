"""Names in the order in which people read them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Key that sorts names without regard to case, and the numbers in them by their value.

    >>> sorted(["Gate 10", "gate 2", "Gate 1"], key=natural)
    ['Gate 1', 'gate 2', 'Gate 10']
    """
    parts = _DIGITS.split(name.casefold())
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)
