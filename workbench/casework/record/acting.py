"""Acting for people who have signed in, in a process that works for several of them.

Only the API's process does so: its server tells it, with each request, who has signed in. Pages and
commands work for one person each and are told who by :mod:`workbench.casework.record.identity`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_person: ContextVar[tuple[str, str] | None] = ContextVar("acting_for", default=None)


@contextmanager
def acting_for(account: str, way: str) -> Iterator[None]:
    """Act, within the block and in this thread or task alone, for a person who has signed in."""
    token = _person.set((account, way))
    try:
        yield
    finally:
        _person.reset(token)


def acts_for() -> tuple[str, str] | None:
    """Return the account and the way of sign-in that this thread acts for; None outside a block."""
    return _person.get()
