"""Fillers: faces known not to be the subject's, and how often each reviewer takes one for it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.casework.plaintext import plain
from workbench.casework.record.files import write_whole
from workbench.casework.reviewing.review import FILLERS
from workbench.casework.reviewing.reviewlist import is_over, review_list
from workbench.casework.reviewing.verdicts import Decision
from workbench.errors import CaseError, unwritten

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.casework.register import CaseRegister


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Error rate of a reviewer: how often they took a filler for the subject."""

    reviewer: str
    fillers: int  # decided
    wrong: int  # of these, decided to be the same person

    @property
    def rate(self) -> float:
        """Share of wrong decisions; NaN without fillers."""
        return self.wrong / self.fillers if self.fillers else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate (Wilson 1927), which holds for small numbers too."""
        if not self.fillers:
            return 0.0, 1.0
        z, n, p = 1.959964, self.fillers, self.rate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def add_fillers(
    register: CaseRegister, pictures: Iterable[bytes], *, source: str
) -> tuple[str, ...]:
    """Keep pictures of people known not to be any case's subject; return their SHA-256.

    *source* says how that is known. Raises NotPermitted for all but supervisors, and
    CaseError if they cannot be written; none are kept then.
    """
    me = register.require("review.fillers")
    folder = register.folder / FILLERS
    found = {hashlib.sha256(picture).hexdigest(): picture for picture in pictures}
    new: list[Path] = []
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for digest, picture in found.items():
            path = folder / f"{digest}.jpg"
            if not path.exists():
                new.append(path)
                write_whole(path, picture)
        about = {"sha256": list(found), "source": plain(source, where="source")}
        register.record("review.fillers", about, by=me)
    except BaseException as error:
        for path in new:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            what, fix = unwritten(error, fix="Check the disk")
            raise CaseError(what, where=str(folder), fix=fix) from None
        raise
    return tuple(found)


def error_rates(register: CaseRegister) -> tuple[ErrorRate, ...]:
    """Return every reviewer's error rate over all cases whose review is over.

    In any other, a count that a decision changes would tell that the face was a filler.
    Raises NotPermitted for all but supervisors and auditors.
    """
    me = register.me
    if not (me.may("review.fillers") or me.may("audit.read")):
        register.require("review.fillers")
    return error_rates_of(register)


def error_rates_of(
    register: CaseRegister, examiners: Collection[str] = ()
) -> tuple[ErrorRate, ...]:
    """Return error rates as :func:`error_rates` does, of some examiners or of all, whoever asks."""
    seen: dict[str, list[Decision]] = {}
    for case in (case for case in register.all_cases() if is_over(register, case)):
        for item in review_list(register, case.reference):
            for decision in item.decisions if item.filler else ():
                seen.setdefault(decision.examiner, []).append(decision)
    return tuple(
        ErrorRate(
            examiner,
            len(decisions),
            sum(decision.verdict == "same" for decision in decisions),
        )
        for examiner, decisions in sorted(seen.items())
        if not examiners or examiner in examiners
    )
