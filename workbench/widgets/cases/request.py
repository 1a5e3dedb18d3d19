"""Request for a case, or for a change of one: its subject, area and time, and on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from traitlets import Dict, Float, Instance, Int, Tuple, Unicode

from workbench.casework.cases import TEMPLATES, Case, Request, Subject, area_km2
from workbench.casework.changes import ask_change
from workbench.casework.members import checked_members
from workbench.casework.provenance import MISSING, Provenance, checked_date, warnings_of
from workbench.casework.subjects import describe_subject
from workbench.errors import CaseError
from workbench.faces.filefacts import FileFacts, read_file_facts
from workbench.faces.probes import pool_photographs
from workbench.widgets.components.photographs import Photographs, Upload
from workbench.widgets.components.scope import ScopeModel

if TYPE_CHECKING:
    from workbench.casework.cases import Template
    from workbench.domain import Probe, Scope
    from workbench.installation import Installation
    from workbench.widgets.components.work import Work

# What has to be written, by trait, with what is said where it is missing.
NEEDED: Mapping[str, str] = {
    "reference": "Give the case a reference.",
    "legal_basis": "Name the legal basis.",
    "authority": "Name the outside body or person that authorised it.",
    "authorisation": "Give the reference of their decision.",
}
FIELDS = ("template", "title", *NEEDED, "urgent", "valid_days", "description", "born", "members")
"""Names of the fields that have a place for a message of their own."""
INCOMPLETE = "Something is missing or wrong: see what is marked."
TEXTS = ("title", *NEEDED, "urgent", "description", "members", "born")
UNSTATED: Mapping[str, Any] = {
    "kind": "photograph", "source": "", "given_by": "", "taken": "", "changes": "",
    "under_18": False,
}  # fmt: skip


class RequestModel(Photographs, ScopeModel):
    """View-model of the form with which a case is requested, changed or, in training, opened.

    Problems are reported in ``messages``, under ``target``, ``district`` or ``time``, under the
    name of the trait they are about, under :meth:`photograph_field`, or under ``request``.

    Parameters
    ----------
    gallery : Path
        Whose cameras are on the map, and whose profile describes the subject.
    installation : Installation
        Whose register takes the request.
    done : callable
        Called with the case once it is requested or opened.

    Raises
    ------
    GalleryError
        If there is no gallery, or it cannot be read.
    """

    person = "subject"

    template = Unicode("", help="the kind of case, one of TEMPLATES; empty: not chosen")
    reference = Unicode()
    title = Unicode()
    legal_basis = Unicode()
    authority = Unicode()
    authorisation = Unicode(help="an urgent request may lack it")
    urgent = Unicode(help="why it cannot wait for that decision; empty: it can")
    description = Unicode(help="a few words about the subject")
    born = Unicode(help="date of birth, as far as it is known")
    members = Unicode(help="accounts of further members, with commas between them")
    valid_days = Float(7.0, help="days for which the case may be searched")
    most_cameras = Int(0, help="most cameras in one search; 0: the limit of the installation")
    without_place = Tuple(help="ids of cameras without a place that may be searched")
    stated = Dict(help="by the key of a photograph what is stated of it: see UNSTATED")
    changing = Instance(Case, allow_none=True, help="the case that is to be changed; None: a new")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        done: Callable[[Case], None],
        zone: ZoneInfo | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(gallery, installation=installation, zone=zone, work=work)
        self._done = done
        self._limits = installation.register.rules.limits
        self.file_facts: dict[str, FileFacts] = {}  # by the key of the photograph

    # --- Filling in -----------------------------------------------------------------------

    def take_template(self, name: str) -> None:
        """Choose the kind of case; legal basis and validity become those usual for it."""
        before, chosen = self.kind, TEMPLATES.get(name)
        self.template = name if chosen else ""
        if chosen is None:
            return
        if not self.legal_basis.strip() or (before and self.legal_basis == before.legal_basis):
            self.legal_basis = chosen.legal_basis
        self.valid_days = chosen.valid / timedelta(days=1)

    @property
    def kind(self) -> Template | None:
        """The template that is chosen."""
        return TEMPLATES.get(self.template)

    def state_of(self, key: str, **stated: Any) -> None:
        """State something of a photograph: see :class:`Provenance`."""
        self.stated = {**self.stated, key: {**UNSTATED, **self.stated.get(key, {}), **stated}}
        self.say(photograph_field(key), _refused(self.stated[key]))

    def state_alike(self, key: str) -> None:
        """State of all other photographs what is stated of one."""
        for upload in self.uploads:
            self.state_of(upload.key, **self.stated.get(key, UNSTATED))

    def begin_change(self, case: Case) -> None:
        """Fill the form with a case as it is, so that a change of it can be requested."""
        request = case.request
        self.clear()
        kinds = {one.purpose: name for name, one in TEMPLATES.items()}
        with self.hold_trait_notifications():
            self.changing = case
            self.template = kinds[request.purpose]
            for name in ("title", *NEEDED):
                setattr(self, name, getattr(request, name))
            self.authorisation = case.authorisation
            self.valid_days = _days(request.valid_until - request.valid_from)
            self.most_cameras = request.cameras or 0
            self.without_place = request.unplaced  # of this gallery or not
            if request.subject is not None:
                self.description = request.subject.description
                self.born = request.subject.born
        self.set_district(request.district)
        self.set_range(request.start, request.end)
        self.take_own(case.reference)

    @property
    def offered_without_place(self) -> tuple[tuple[str, str], ...]:
        """Cameras without a place that may be chosen, in words and by id.

        Those of the gallery, and those that the case to be changed names and the gallery does not
        have, which a change keeps unless they are taken out of it.
        """
        known = {camera.camera_id: camera.words() for camera in self.unplaced}
        named = () if self.changing is None else self.changing.request.unplaced
        others = {name: f"{name}, not in this gallery" for name in named if name not in known}
        return tuple((words, name) for name, words in (known | others).items())

    def clear(self) -> None:
        """Empty the form."""
        with self.hold_trait_notifications():
            self.uploads, self.stated, self.changing = (), {}, None
            self.template, self.without_place, self.most_cameras = "", (), 0
            for name in TEXTS:
                setattr(self, name, "")
        self.messages = {}

    # --- What is shown while asking -------------------------------------------------------

    @property
    def exceeded(self) -> tuple[str, ...]:
        """The limits of one person's approval that the request goes beyond, as it stands."""
        length = timedelta(0) if self.start is None or self.end is None else self.end - self.start
        return self._limits.exceeded(
            area_km2=0.0 if self.district is None else area_km2(self.district),
            days=length / timedelta(days=1),
            valid_days=self.valid_days,
            cameras=self.most_cameras,
            unplaced=len(self.without_place),
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """Warnings about the photographs and the person's age, as far as they are stated by now."""
        if self.start is None or self.end is None:
            return ()
        stated = []
        for upload in self.used:
            try:
                stated.append(self._provenance(upload))
            except CaseError:
                return ()
        return warnings_of(stated, born=self.born.strip(), footage=(self.start, self.end))

    # --- Asking ---------------------------------------------------------------------------

    def request(self) -> None:
        """Request the case or its change; say beside each part of the form what it lacks."""
        register, kind = self.installation.register, self.kind
        for name in ("target", "request", *FIELDS):
            self.say(name)
        if kind is None:
            self.say("template", "Choose the kind of case.")
        for name, words in NEEDED.items():
            optional = name == "authorisation" and self.urgent.strip()
            if not (getattr(self, name).strip() or optional):
                self.say(name, words)
        if not self.valid_days > 0:
            self.say("valid_days", "Say for how many days the case may be searched.")
        photographs, scope = self._photographs(), self.checked_scope()
        stated = self._all_stated() if photographs else None
        fields = self._fields(scope) if scope is not None and kind is not None else {}
        if stated is None or not fields or self.messages.keys() & {*FIELDS}:
            self.say("request", INCOMPLETE)
            return
        before = self.changing
        # The form is read here, as the job is done on another thread.
        description, born = self.description, self.born

        def describe(probe: Probe) -> Subject:
            return describe_subject(
                probe,
                calibrations=register.rules.calibrations,
                description=description,
                provenance=stated,
                born=born,
            )

        def job() -> Case:
            register.require("case.ask", fields["reference"])
            probe = pool_photographs(photographs, self._models())
            asked = Request(**fields, subject=describe(probe))
            if before is None:
                return register.ask(asked, subject=probe)
            same = asked.subject == before.request.subject
            return ask_change(register, asked, subject=None if same else probe)

        self.do("request", "Sending the request", job, self._finish)

    def train(self) -> None:
        """Open a training case with this reference, area and time."""
        self.say("request")
        self.say("reference", "" if self.reference.strip() else NEEDED["reference"])
        scope = self.checked_scope()
        if scope is None or not self.reference.strip():
            return
        reference, title = self.reference.strip(), self.title
        register = self.installation.register
        self.do(
            "request",
            "Opening the case",
            lambda: register.train(reference, scope, title=title),
            self._finish,
        )

    # --- Within ---------------------------------------------------------------------------

    def _fields(self, scope: Scope) -> dict[str, Any]:
        """Return the fields of the request but its subject; say beside each what is wrong."""
        kind, now = self.kind, datetime.now(UTC)
        assert kind is not None
        members = tuple(filter(None, map(str.strip, self.members.split(","))))
        fields: dict[str, Any] = {
            **{name: getattr(self, name).strip() for name in ("title", *NEEDED, "urgent")},
            "purpose": kind.purpose,
            "district": scope.district,
            "start": scope.start,
            "end": scope.end,
            "valid_from": now,
            "valid_until": now + timedelta(days=max(self.valid_days, 0)),
            "cameras": self.most_cameras or None,
            "unplaced": tuple(self.without_place),
            "members": members,
        }
        checks: tuple[tuple[str, Callable[[], object]], ...] = (
            ("born", lambda: checked_date(self.born, where="born")),
            ("members", lambda: checked_members(self.installation.register.people, members,
                                                where="members")),
            ("request", lambda: Request(**{**fields, "purpose": "training"})),  # but the subject
        )  # fmt: skip
        for field, check in checks:
            try:
                check()
            except CaseError as error:
                name = error.where.removeprefix("case, ")
                field = name if name in FIELDS else field
                if field not in self.messages:
                    self.say(field, f"{error.what}. {error.fix}.")
        return fields

    def _all_stated(self) -> list[Provenance] | None:
        """Return what is stated of the photographs that count; say beside each what is missing."""
        stated = []
        for upload in self.used:
            self.say(photograph_field(upload.key))
            lacking = [
                f"{fix}."
                for name, fix in MISSING.items()
                if not self.stated.get(upload.key, UNSTATED)[name].strip()
            ]
            try:
                if lacking:
                    self.say(photograph_field(upload.key), "\n".join(lacking))
                else:
                    stated.append(self._provenance(upload))
            except CaseError as error:
                words = f"{error.what[:1].upper()}{error.what[1:]}. {error.fix}."
                self.say(photograph_field(upload.key), words)
        return stated if len(stated) == len(self.used) else None

    def _provenance(self, upload: Upload) -> Provenance:
        return Provenance(**{**UNSTATED, **self.stated.get(upload.key, {})})

    def _add(self, upload: Upload) -> None:
        facts = read_file_facts(upload.content, upload.found.name)
        if facts.made_as:
            raise CaseError(
                f"its file says that it is not a photograph ({facts.made_as})",
                where=upload.found.name,
                fix="Use photographs of the person alone",
            )
        self.file_facts[upload.key] = facts
        if upload.key not in self.stated:
            # Most come from one place; when each was taken is not guessed.
            last = self.stated.get(self.uploads[-1].key, {}) if self.uploads else {}
            self.state_of(upload.key, **{n: last[n] for n in ("source", "given_by") if n in last})
        super()._add(upload)

    def _read_own(self, stated: Provenance, content: bytes) -> None:
        known = {name: getattr(stated, name) for name in UNSTATED}
        self.stated = {**self.stated, str(self._number + 1): known}  # the key that it will have
        super()._read_own(stated, content)

    def _finish(self, case: Case) -> None:
        self.clear()
        self._done(case)


def photograph_field(key: str) -> str:
    """Name the field of messages about a photograph."""
    return f"photograph {key}"


def _refused(stated: Mapping[str, Any]) -> str:
    if stated["kind"] == "photograph":
        return ""
    return f"A {stated['kind']} cannot be used: only photographs of the person are compared."


def _days(length: timedelta) -> float:
    return round(length / timedelta(days=1), 2)
