"""Provenance of a photograph: where it comes from, when it was taken, what was done to it.

A person states it when the case is requested, and it is approved with the case. What the file says
itself, and what was done to it here, is noted beside it. Whether a picture is a photograph at all
is their word: a good drawing, composite or generated picture cannot be told from one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from workbench.casework.plaintext import incomplete, plain
from workbench.errors import CaseError
from workbench.faces.filefacts import read_file_facts

if TYPE_CHECKING:
    from workbench.domain import Photograph

Kind: TypeAlias = Literal["photograph", "drawing", "composite"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOT_KNOWN = "not known"

# A convention, not a measurement of our own: from here on the years between are warned of.
MANY_YEARS, MANY_YEARS_OF_A_CHILD = 5, 1
OF_AGE = 18
_YEAR = 365.2425  # days
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Provenance of one photograph, as the person who requests the case states it.

    Parameters
    ----------
    source : str
        Where it comes from, such as ``passport office``.
    given_by : str
        The person or office that handed it over.
    taken : str
        When it was taken, as far as it is known: ``2024``, ``2024-05`` or ``2024-05-17``; ``not
        known`` if it is not.
    changes : str
        What was done to it before it came here: cropped, turned, brightened …, or ``nothing``.
    under_18 : bool
        Whether the person is said to have been under 18 when it was taken.
    kind : str
        What the picture is; only a ``photograph`` is accepted.
    original : str
        SHA-256 of the file as it was given, which is kept with the case. It is filled in when the
        subject is described, and so are *face* and *notes*.
    face : int
        Number of the face in it that is the subject's, 1 for the largest.
    notes : tuple of str
        What was done to it here, and what its file says of itself.

    Raises
    ------
    CaseError
        If it is no photograph, or something is missing or impossible.
    """

    source: str
    given_by: str
    taken: str
    changes: str
    under_18: bool = False
    kind: Kind = "photograph"
    name: str = ""
    original: str = ""
    face: int = 1
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise incomplete(
                "kind of picture",
                f"{str(self.kind)[:40]!r} is none",
                f"Choose from {', '.join(KINDS)}",
            )
        if self.kind != "photograph":
            raise incomplete(
                "photograph", f"a {self.kind} cannot be used", "Use photographs of the person alone"
            )
        for name, fix in MISSING.items():
            text = plain(getattr(self, name), where=name.replace("_", " "))
            object.__setattr__(self, name, text)
            if not text:
                raise incomplete(name.replace("_", " "), "is missing", fix)
        object.__setattr__(self, "name", plain(self.name, where="name of a photograph"))
        if type(self.under_18) is not bool:  # the text "false" would be true
            raise incomplete(
                "under 18",
                f"{str(self.under_18)[:40]!r} is neither true nor false",
                "Say true if the person was under 18, without quotation marks, or false",
            )
        if self.taken != NOT_KNOWN:
            object.__setattr__(self, "taken", checked_date(self.taken, where="taken"))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Provenance:
        """Read the provenance as the document of a request holds it."""
        return cls(**{**document, "notes": tuple(document.get("notes", ()))})

    def warnings(self, *, born: str, footage: datetime) -> Iterator[str]:
        """Yield, as sentences, what makes recognising the person in the footage less certain.

        Parameters
        ----------
        born : str
            Date of birth as far as it is known; empty if it is not.
        footage : datetime
            Where the footage begins.
        """
        child = self.under_18 or _may_be_minor(born, self.taken)
        if child:
            yield (
                "The person was, or may have been, under 18. Faces of children change quickly, and "
                "how well they are recognised has not been measured."
            )
        if self.taken == NOT_KNOWN:
            yield "The date is not known, nor how many years there are to the footage."
            return
        years = years_between(self.taken, footage.date())
        if years >= (MANY_YEARS_OF_A_CHILD if child else MANY_YEARS):
            length = "1 year" if years == 1 else f"{years} years"
            yield f"Taken at least {length} before or after the footage: expect to miss more."


MISSING: Mapping[str, str] = {
    "source": "Say where the photograph comes from, such as an album or a passport office",
    "given_by": "Name who gave it",
    "taken": f"Say when it was taken, such as 2024 or 2024-05-17, or “{NOT_KNOWN}”",
    "changes": "Say what was done to it, such as cropped or brightened, or “nothing”",
}
"""What must be stated of each photograph, with what to do where it is missing."""


def described(
    photographs: Sequence[Photograph], stated: Sequence[Provenance]
) -> tuple[Provenance, ...]:
    """Complete what is stated of photographs, in their order, by what their files say.

    Raises
    ------
    CaseError
        If it is not stated of each, an original is missing, or a file says that it is no
        photograph.
    ImageError
        If an original cannot be read.
    """
    if not stated:
        return ()
    if len(stated) != len(photographs):
        raise incomplete(
            "photographs",
            f"there are {len(photographs)}, and the provenance of {len(stated)} is stated",
            "State it of each, in their order",
        )
    return tuple(_completed(p, one) for p, one in zip(photographs, stated, strict=True))


def require_provenance(stated: Sequence[Provenance], photographs: int) -> None:
    """Raise CaseError unless the provenance of all photographs is stated, with the originals."""
    if len(stated) != photographs or not all(one.original for one in stated):
        raise CaseError(
            "where its photographs come from is not stated",
            where="case, photographs",
            fix="Say of each where it comes from, who gave it, when it was taken and what was done "
            "to it",
        )


def warnings_of(
    stated: Sequence[Provenance], *, born: str, footage: tuple[datetime, datetime]
) -> tuple[str, ...]:
    """Return all warnings about the photographs of a subject and the person's age, as sentences."""
    about: dict[str, list[str]] = {}  # of several photographs at once
    for number, one in enumerate(stated, start=1):
        for words in one.warnings(born=born, footage=footage[0]):
            about.setdefault(f"{words[0].lower()}{words[1:]}", []).append(str(number))
    found = [
        f"Photograph{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}: {words}"
        for words, numbers in about.items()
    ]
    if _may_be_minor(born, f"{footage[0]:%Y-%m-%d}"):
        found.append("The person is, or may be, under 18 in the footage.")
    return tuple(found)


def checked_date(text: str, *, where: str) -> str:
    """Return a date, or the part of one that is known; an empty text stays.

    Raises CaseError if it is none, or lies in the future.
    """
    text = text.strip()
    if text and _span(text) is None:
        raise incomplete(where, f"{text[:40]!r} is not a date", "Write 2024, 2024-05 or 2024-05-17")
    span = _span(text)
    if span is not None and span[0] > datetime.now(UTC).date() + timedelta(days=1):
        raise incomplete(where, f"{text} lies in the future", "Correct the date")
    return text


def years_between(taken: str, other: date) -> int:
    """Count the full years that lie between a date, as far as it is known, and another at least."""
    first, last = _span(taken) or (other, other)
    days = max((other - last).days, (first - other).days, 0)
    return int(days / _YEAR)


def _completed(photograph: Photograph, stated: Provenance) -> Provenance:
    where = photograph.name[:80]
    if not photograph.original:
        raise CaseError(
            "its file is missing", where=where, fix="Use the photograph's file, not a best shot"
        )
    facts = read_file_facts(photograph.original, where)
    if facts.made_as:
        raise CaseError(
            f"its file says that it is not a photograph ({facts.made_as})",
            where=where,
            fix="Use photographs of the person alone",
        )
    notes = [*photograph.notes]
    if facts.software:
        notes.append(f"its file says that it was written by {facts.software}")
    if facts.taken and stated.taken != NOT_KNOWN:
        first, last = _span(stated.taken) or (facts.taken, facts.taken)
        if not first <= facts.taken <= last:
            notes.append(f"its file says that it was taken on {facts.taken.isoformat()}")
    elif facts.taken:
        notes.append(f"its file says that it was taken on {facts.taken.isoformat()}")
    if facts.few_tones:
        notes.append("it has hardly any half-tones, as drawings and photocopies have")
    return replace(
        stated,
        name="".join(c for c in photograph.name if c.isprintable())[:100],
        original=hashlib.sha256(photograph.original).hexdigest(),
        face=photograph.number,
        notes=tuple(notes),
    )


def _may_be_minor(born: str, at: str) -> bool:
    """Check whether somebody may be under age at a time, as far as both dates are known."""
    birth, moment = _span(born), _span(at)
    if birth is None or moment is None:
        return False
    # 18 years after the last day on which they may be born; 29 February counts as 1 March.
    last = birth[1]
    try:
        of_age = last.replace(year=last.year + OF_AGE)
    except ValueError:
        of_age = date(last.year + OF_AGE, 3, 1)
    return moment[0] < of_age


def _span(text: str) -> tuple[date, date] | None:
    """Return the first and last day that a date, or a part of one, can mean."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        if day:
            return first, first
        following = date(year + 1, 1, 1) if month in (None, 12) else date(year, month + 1, 1)
    except ValueError:
        return None
    return first, following - timedelta(days=1)
