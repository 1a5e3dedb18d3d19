"""Sessions: who has signed in, for how long, and what ends with it.

They live in the memory of the server: a restart signs everybody out.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from workbench.casework.record.identity import PART, Identity, Way

LONGEST_LIFE = timedelta(hours=12)
"""Time after which a person signs in again, by default: one shift."""

LONGEST_IDLE = timedelta(hours=1)
"""Time without a request or work in an open page after which a session ends, by default."""

MOST = 1000
"""Sessions in all; the one that was used least recently ends for the next."""

MOST_OF_ACCOUNT = 50
"""Sessions of one account: more than anyone has browsers, and a program that asks as a browser
does, without a cookie, begins one with each request."""

_REMEMBERED = 1000  # ended sessions, so that a browser can be told why


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(eq=False)
class Session:
    """One person in one browser or script, from signing in until the session ends."""

    account: str
    way: Way
    id: str = field(default_factory=lambda: secrets.token_hex(4))  # tells it apart, opens nothing
    began: datetime = field(default_factory=now)
    used: datetime = field(default_factory=now)
    ended: str = ""  # why, once it has
    part: str = ""  # of the demo, that the person plays

    @property
    def identity(self) -> Identity:
        """Identity in whose name the pages of the session act."""
        if self.part:
            return Identity(self.part, PART, self.account)
        return Identity(self.account, self.way)

    @property
    def alive(self) -> bool:
        """True until the session ends."""
        return not self.ended


CURRENT: ContextVar[Session] = ContextVar("session")
"""Session whose request is being answered; a kernel started meanwhile works for its person."""


class Sessions:
    """The sessions of one server, by the secret that each browser or script shows."""

    def __init__(
        self,
        *,
        longest_life: timedelta = LONGEST_LIFE,
        longest_idle: timedelta = LONGEST_IDLE,
        most: int = MOST,
        most_of_account: int = MOST_OF_ACCOUNT,
    ) -> None:
        self._longest_life, self._longest_idle = longest_life, longest_idle
        self._most, self._most_of_account = most, most_of_account
        self._by_secret: dict[str, Session] = {}
        self._why_ended: OrderedDict[str, str] = OrderedDict()
        self._at_end: list[Callable[[Session], Awaitable[None]]] = []
        self._work: list[Callable[[Session], datetime | None]] = []

    def at_end(self, call: Callable[[Session], Awaitable[None]]) -> None:
        """Have *call* awaited with each session that ends."""
        self._at_end.append(call)

    def count_work(self, last_work: Callable[[Session], datetime | None]) -> None:
        """Count as use of a session what *last_work* tells the time of; None for no work."""
        self._work.append(last_work)

    def begin(self, session: Session, *, secret: str | None = None) -> str:
        """Keep a session, and return the secret that opens it, by default a random one."""
        secret = secret or secrets.token_urlsafe(32)
        self._by_secret[secret] = session
        return secret

    async def make_room(self, account: str) -> None:
        """End the sessions of an *account*, and of all, that are too many: those unused longest."""
        held = [session for session in self._by_secret.values() if session.account == account]
        await self._end_beyond(self._most_of_account, held)
        await self._end_beyond(self._most, list(self._by_secret.values()))

    async def find(self, secret: str, *, use: bool = True) -> Session | None:
        """Session that *secret* opens, if it has not ended; its use is noted."""
        session = self._by_secret.get(secret)
        if session is None or await self._is_over(session):
            return None
        if use:
            session.used = now()
        return session

    def why_ended(self, secret: str) -> str:
        """Tell why the session that *secret* opened has ended; empty if that is not known."""
        return self._why_ended.get(secret, "")

    def living(self) -> list[Session]:
        """List the sessions that have not ended, the oldest first."""
        return sorted(self._by_secret.values(), key=lambda session: session.began)

    async def end(self, session: Session, why: str) -> None:
        """End a session, and with it what was started for it; do nothing if it has ended."""
        if session.ended:
            return
        session.ended = why
        for secret in [one for one, held in self._by_secret.items() if held is session]:
            del self._by_secret[secret]
            self._why_ended[secret] = why
        while len(self._why_ended) > _REMEMBERED:
            self._why_ended.popitem(last=False)
        for call in self._at_end:
            await call(session)

    async def end_those_past(self) -> None:
        """End the sessions that are too old, or were idle for too long."""
        for session in self.living():
            await self._is_over(session)

    def last_used(self, session: Session) -> datetime:
        """Tell when a session was used last: by a request, or by work in an open page."""
        work = [last_work(session) for last_work in self._work]
        return max([session.used, *filter(None, work)])

    async def _end_beyond(self, most: int, held: list[Session]) -> None:
        if len(held) > most:
            for session in sorted(held, key=self.last_used)[: len(held) - most]:
                await self.end(session, "many")

    async def _is_over(self, session: Session) -> bool:
        time = now()
        if time - session.began > self._longest_life:
            await self.end(session, "old")
        elif time - self.last_used(session) > self._longest_idle:
            await self.end(session, "idle")
        return not session.alive
