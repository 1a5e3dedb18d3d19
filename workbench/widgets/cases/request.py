"""Request for a case: its subject, area and time, and on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from traitlets import Float, Int, Tuple, Unicode

from workbench.casework.cases import TEMPLATES, Case, Request
from workbench.casework.subjects import describe_subject
from workbench.faces.probes import pool_photographs
from workbench.widgets.components.photographs import Photographs
from workbench.widgets.components.scope import ScopeModel

if TYPE_CHECKING:
    from workbench.casework.cases import Template
    from workbench.installation import Installation
    from workbench.widgets.components.work import Work

# What has to be written, by trait, with what is said where it is missing.
NEEDED: Mapping[str, str] = {
    "reference": "Give the case a reference.",
    "legal_basis": "Name the legal basis.",
    "authority": "Name the outside body or person that authorised it.",
    "authorisation": "Give the reference of their decision.",
}


class RequestModel(Photographs, ScopeModel):
    """View-model of the form with which a case is requested or, in training, opened.

    Problems are reported in ``messages``, under ``target``, ``district``, ``time`` or ``request``.

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
    members = Unicode(help="accounts of further members, with commas between them")
    valid_days = Float(7.0, help="days for which the case may be searched")
    most_cameras = Int(0, help="most cameras in one search; 0: the limit of the installation")
    without_place = Tuple(help="ids of cameras without a place that may be searched")

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

    def request(self) -> None:
        """Request the case; where the form is not complete, say beside each part what it lacks."""
        register = self.installation.register
        kind, missing = self.kind, [] if self.kind else ["Choose the kind of case."]
        needed = {name: words for name, words in NEEDED.items() if not getattr(self, name).strip()}
        if self.urgent.strip():
            needed.pop("authorisation", None)
        missing += needed.values()
        if not self.valid_days > 0:
            missing.append("Say for how many days the case may be searched.")
        self.say("target")
        self.say("request", "\n".join(missing))
        photographs, scope = self._photographs(), self.checked_scope()
        if missing or not photographs or scope is None or kind is None:
            return
        now = datetime.now(UTC)
        fields = {
            name: getattr(self, name)
            for name in (
                "reference",
                "title",
                "legal_basis",
                "authority",
                "authorisation",
                "urgent",
            )
        }
        members = tuple(filter(None, map(str.strip, self.members.split(","))))
        until, description = now + timedelta(days=self.valid_days), self.description
        cameras, unplaced = self.most_cameras or None, tuple(self.without_place)

        def job() -> Case:
            register.require("case.ask", fields["reference"])
            probe = pool_photographs(photographs, self._models())
            asked = Request(
                **fields,
                purpose=kind.purpose,
                district=scope.district,
                start=scope.start,
                end=scope.end,
                valid_from=now,
                valid_until=until,
                cameras=cameras,
                unplaced=unplaced,
                members=members,
                subject=describe_subject(
                    probe, calibrations=register.rules.calibrations, description=description
                ),
            )
            return register.ask(asked, subject=probe)

        self.do("request", "Requesting the case", job, self._finish)

    def train(self) -> None:
        """Open a training case with this reference, area and time."""
        self.say("request", "" if self.reference.strip() else NEEDED["reference"])
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

    def _finish(self, case: Case) -> None:
        with self.hold_trait_notifications():
            self.uploads = ()
            self.reference = self.title = self.authorisation = self.description = self.members = ""
            self.urgent = ""
        self._done(case)
