"""Cases: who may be looked for, where and when, on whose authority, and until when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import shapely

from workbench.casework.plaintext import incomplete, plain
from workbench.casework.provenance import Provenance, checked_date
from workbench.casework.record.chain import canonical
from workbench.district import from_geojson, to_geojson
from workbench.domain import PLAIN_SCALE, District, Scope, parse_time, utc
from workbench.errors import CaseError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.settings import Settings

Purpose: TypeAlias = Literal[
    "missing person",
    "suspect of a recorded offence",
    "victim or witness",
    "unidentified deceased",
    "training",
]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
State: TypeAlias = Literal["requested", "open", "declined", "closed", "not confirmed"]
Status: TypeAlias = Literal[
    "requested", "open", "not yet valid", "expired", "declined", "closed", "not confirmed"
]

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,63}")
EARTH_RADIUS_KM = 6371.0088  # IUGG mean radius
CONFIRM_WITHIN = timedelta(hours=48)
"""Time within which an urgent case that has begun is confirmed: Regulation (EU) 2024/1689, Art.
26(10)."""


@dataclass(frozen=True, slots=True)
class Template:
    """Preset for a kind of case; every field may be changed in the case."""

    purpose: Purpose
    legal_basis: str
    valid: timedelta
    hint: str


TEMPLATES: Mapping[str, Template] = {
    "missing-person": Template(
        "missing person",
        "Prevention of a substantial risk to life: search for a missing person",
        timedelta(days=7),
        "Start from the last certain sighting and the usual way from there",
    ),
    "recorded-offence": Template(
        "suspect of a recorded offence",
        "Regulation (EU) 2024/1689, Art. 26(10): authorisation by a judicial authority or an "
        "administrative one whose decision is binding",
        timedelta(days=30),
        "Around the time and place of the offence; put the number of the offence in the title",
    ),
    "victim-or-witness": Template(
        "victim or witness",
        "Investigation of a recorded offence: identification of a victim or witness",
        timedelta(days=14),
        "Where the offence was recorded to have taken place",
    ),
    "unidentified-deceased": Template(
        "unidentified deceased",
        "Inquiry into a death: last movements of an unidentified deceased person",
        timedelta(days=30),
        "The days before the body was found, around the place where it was found",
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest case that one person's approval covers."""

    area_km2: float
    days: float
    valid_days: float
    cameras: int
    unplaced: int  # cameras whose place is not known

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take the limits from the settings."""
        return cls(
            area_km2=settings.largest_area_km2,
            days=settings.longest_days,
            valid_days=settings.longest_validity_days,
            cameras=settings.most_cameras,
            unplaced=settings.most_unplaced_cameras,
        )

    def exceeded(
        self, *, area_km2: float, days: float, valid_days: float, cameras: int, unplaced: int
    ) -> tuple[str, ...]:
        """Name, in words, each limit that a case of this size goes beyond."""
        beyond = []
        if area_km2 > self.area_km2:
            beyond.append(f"an area of {area_km2:,.1f} km², the limit is {self.area_km2:,g} km²")
        if days > self.days:
            beyond.append(f"{round(days, 1):,.10g} days of footage, the limit is {self.days:g}")
        if valid_days > self.valid_days:
            beyond.append(
                f"valid for {round(valid_days, 1):,.10g} days, the limit is {self.valid_days:g}"
            )
        if cameras > self.cameras:
            beyond.append(f"{cameras:,} cameras in a search, the limit is {self.cameras:,}")
        if unplaced > self.unplaced:
            beyond.append(
                f"{unplaced:,} cameras whose place is not known, the limit is {self.unplaced:,}"
            )
        return tuple(beyond)


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of an installation's casework: set by its file, never by a case or who works on it."""

    limits: Limits
    filler_share: float  # fillers for each candidate sent to review
    retention_days: float  # after which footage that nothing holds is deleted
    calibrations: Path  # folder of the installation's own, which likeness to a subject rests on

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Take the rules from the settings."""
        return cls(
            limits=Limits.of(settings),
            filler_share=settings.filler_share,
            retention_days=settings.retention_days,
            calibrations=settings.calibrations_folder,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Person who may be looked for, described by photographs kept in the casework folder.

    ``digest`` is the SHA-256 of the templates made from them, with the profile ``fingerprint``;
    a probe must score at least ``least_score`` on ``scale`` against the nearest of them.
    ``normaliser`` is the SHA-256 of what makes scores of that scale; empty for plain scores.
    ``provenance`` is that of each photograph, in their order; ``born`` the date of birth as far as
    it is known (``2011``, ``2011-03`` or ``2011-03-29``), empty if it is not.
    """

    description: str
    photographs: tuple[str, ...]  # SHA-256 of each
    fingerprint: str
    digest: str
    least_score: float
    scale: str = PLAIN_SCALE
    normaliser: str = ""
    provenance: tuple[Provenance, ...] = ()
    born: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "born", checked_date(self.born, where="date of birth"))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Subject:
        """Read a subject as the document of a request holds it."""
        own = [Provenance.from_document(one) for one in document.get("provenance", ())]
        return cls(
            **{
                **document,
                "photographs": tuple(document["photographs"]),
                "provenance": tuple(own),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Request for a case: everything that is approved with it.

    Raises
    ------
    CaseError
        If a field is missing or impossible; the message names it.
    """

    reference: str
    purpose: Purpose
    title: str = ""
    legal_basis: str
    authority: str  # the outside body or person that gave the authorisation
    authorisation: str  # the reference of that decision; an urgent request may lack it
    district: District
    start: datetime  # UTC: the permitted footage
    end: datetime
    valid_from: datetime  # UTC: when searching is allowed
    valid_until: datetime
    cameras: int | None = None  # most in one search; None: the limit in the settings
    # Ids of cameras whose place is not known: no district holds them, so each is named.
    unplaced: tuple[str, ...] = ()
    subject: Subject | None = None
    members: tuple[str, ...] = ()  # accounts that need to know, besides the one that requests
    urgent: str = ""  # why it cannot wait for that decision; empty: it can

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(self.reference):
            raise incomplete(
                "reference",
                f"{self.reference[:80]!r} is not a valid reference",
                "Use up to 64 letters, digits and . _ / # -, starting with a letter or digit",
            )
        if self.purpose not in PURPOSES:
            raise incomplete(
                "purpose",
                f"{self.purpose!r} is not a purpose",
                f"Choose from {', '.join(PURPOSES)}",
            )
        for name in ("urgent", "title", "legal_basis", "authority", "authorisation"):
            text = getattr(self, name)
            object.__setattr__(self, name, plain(text, where=name))
            optional = name in ("urgent", "title") or (name == "authorisation" and self.urgent)
            if not (getattr(self, name) or optional):
                raise incomplete(name, "is missing", "Every case needs one")
        for name in ("start", "end", "valid_from", "valid_until"):
            object.__setattr__(self, name, utc(getattr(self, name), where=name))
        Scope(self.district, self.start, self.end)
        if self.valid_until <= self.valid_from:
            raise incomplete("valid_until", "is not after valid_from", "Choose a later time")
        if self.cameras is not None and self.cameras < 1:
            raise incomplete("cameras", f"{self.cameras} is too few", "Allow at least one")
        names = {plain(name, where="unplaced") for name in self.unplaced}
        if "" in names:
            raise incomplete("unplaced", "a camera without an id", "Name each camera by its id")
        object.__setattr__(self, "unplaced", tuple(sorted(names)))
        members = {plain(name, where="members") for name in self.members}
        object.__setattr__(self, "members", tuple(sorted(members - {""})))
        if self.subject is None and not self.is_training:
            raise incomplete(
                "subject",
                "is missing: a case is about one known person",
                "Add at least one photograph of the person",
            )

    @property
    def is_training(self) -> bool:
        """True if the case carries no authority."""
        return self.purpose == "training"

    @property
    def digest(self) -> str:
        """SHA-256 of everything requested: an approval names the request it is for by it."""
        return hashlib.sha256(canonical(self.document())).hexdigest()

    def exceeds(self, limits: Limits) -> tuple[str, ...]:
        """Name, in words, each limit that the request goes beyond."""
        return limits.exceeded(
            area_km2=area_km2(self.district),
            days=(self.end - self.start) / timedelta(days=1),
            valid_days=(self.valid_until - self.valid_from) / timedelta(days=1),
            cameras=self.cameras or 0,
            unplaced=len(self.unplaced),
        )

    def document(self) -> dict[str, Any]:
        """Return the request as JSON values, as the record keeps it."""
        return {
            "reference": self.reference,
            "purpose": self.purpose,
            "title": self.title,
            "legal_basis": self.legal_basis,
            "authority": self.authority,
            "authorisation": self.authorisation,
            "district": to_geojson(self.district),
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until.isoformat(),
            "cameras": self.cameras,
            "unplaced": list(self.unplaced),
            "subject": None if self.subject is None else asdict(self.subject),
            "members": list(self.members),
            "urgent": self.urgent,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Request:
        """Read a request that :meth:`document` wrote."""
        subject = document["subject"]
        if subject is not None:
            subject = Subject.from_document(subject)
        times = ("start", "end", "valid_from", "valid_until")
        return cls(
            **{
                **document,
                **{name: parse_time(document[name]) for name in times},
                "district": from_geojson(document["district"], drawn=False),
                # Records from before name none, and so permit none.
                "unplaced": tuple(document.get("unplaced", ())),
                "subject": subject,
                "members": tuple(document.get("members", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Changed request for a case, such as a longer one, that waits for an approval of its own."""

    request: Request
    asked_by: str
    asked_at: datetime  # UTC
    digest: str  # of the changed request: what an approval must name
    approved_by: tuple[str, ...] = ()
    exceeds: tuple[str, ...] = ()  # limits in force at the first approval that it goes beyond


@dataclass(frozen=True, slots=True)
class Case:
    """A request and what became of it.

    ``approved_by`` never holds ``asked_by``; after a change it names those who approved what was
    requested before, too. While a ``change`` waits, the request before it counts.
    """

    request: Request
    asked_by: str
    asked_at: datetime  # UTC
    digest: str  # of the request, as recorded: what an approval must name
    state: State = "requested"
    approved_by: tuple[str, ...] = ()
    exceeds: tuple[str, ...] = ()  # limits in force at the first approval that it goes beyond
    most_cameras: int = 0
    ended_at: datetime | None = None
    reason: str = ""  # why it was declined or closed
    members: tuple[str, ...] = ()  # accounts that need to know of it; who requested it first
    approved_at: datetime | None = None  # UTC: by all whom it takes, a confirmation included
    begun_at: datetime | None = None  # UTC: when one person let an urgent case begin
    confirmed_by: str = ""  # another one, who confirmed it
    authorised_as: str = ""  # reference of the outside decision, named with the confirmation
    erased_at: datetime | None = None  # UTC: when what came of it was deleted
    not_erased: str = ""  # why that failed the last time
    remains: tuple[str, ...] = ()  # exported files of it that someone has to delete by hand
    responsible: str = ""  # who requested it, or whom it was handed over to
    formerly: tuple[str, ...] = ()  # accounts that were responsible before it was handed over
    change: Change | None = None
    changed_at: datetime | None = None  # UTC: since when the request as it is now counts
    in_demo: bool = False  # requested by a part of the demo

    @property
    def reference(self) -> str:
        """Reference of the request."""
        return self.request.reference

    @property
    def is_training(self) -> bool:
        """True for a training case: it is not requested, and everyone may train under it."""
        return self.request.is_training

    @property
    def without_authority(self) -> bool:
        """True if nothing found under it may be acted on: a training case, or one of the demo."""
        return self.is_training or self.in_demo

    @property
    def scope(self) -> Scope:
        """District, time range and cameras without a place that may be searched."""
        request = self.request
        return Scope(request.district, request.start, request.end, frozenset(request.unplaced))

    @property
    def authorisation(self) -> str:
        """Reference of the outside decision; empty while an urgent case lacks it."""
        return self.request.authorisation or self.authorised_as

    @property
    def confirm_by(self) -> datetime | None:
        """Time before which somebody has to confirm it (UTC); None if it waits for nobody."""
        if self.begun_at is None or self.confirmed_by or self.state == "not confirmed":
            return None
        return self.begun_at + CONFIRM_WITHIN

    def at(self, now: datetime) -> Case:
        """Return the case as it is at a time: an urgent one, not confirmed by then, has ended."""
        due = self.confirm_by
        if due is None or now < due:
            return self
        reason = f"not confirmed within {CONFIRM_WITHIN // timedelta(hours=1)} hours"
        return replace(self, state="not confirmed", ended_at=due, reason=reason)

    @property
    def waiting(self) -> Case | Change | None:
        """The case as it was requested or a change of it, whichever waits for an approval."""
        return self if self.state == "requested" else self.change

    def objection(self, account: str) -> str:
        """Say why an account may not approve or decline what waits; empty if it may.

        Nobody decides on what they requested, or are or were responsible for.
        """
        waits = self.waiting
        if waits is not None and account == waits.asked_by:
            what = "the case" if waits is self else "the change"
            return f"{account} requested {what}"
        if account == self.asked_by:
            return f"{account} requested the case"
        if account in self.formerly:
            return f"{account} was responsible for the case"
        return f"{account} is responsible for the case" if account == self.responsible else ""

    def status(self, now: datetime | None = None) -> Status:
        """State of the case at a time, by default now: its validity counts where it is open."""
        now = now or datetime.now(UTC)
        state = self.at(now).state
        if state != "open":
            return state
        if now < self.request.valid_from:
            return "not yet valid"
        return "open" if now < self.request.valid_until else "expired"

    def require_open(self, *, fix: str, valid_now: bool = True) -> None:
        """Raise CaseError, with *fix*, unless the case is open.

        Without *valid_now*, a case that has expired or is not yet valid passes too.
        """
        status = self.status()
        if status == "open" or (not valid_now and status in ("expired", "not yet valid")):
            return
        raise CaseError(f"is {status}", where=self.reference, fix=fix)


def area_km2(district: District) -> float:
    """Compute the area of a district on the sphere, in Lambert's equal-area projection."""

    def flat(degrees: Any) -> Any:
        longitude, latitude = np.radians(degrees).T
        return EARTH_RADIUS_KM * np.stack([longitude, np.sin(latitude)], axis=1)

    return float(shapely.transform(district.area, flat).area)
