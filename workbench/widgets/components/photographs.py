"""The photographs of one person: added, chosen, switched off, compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from traitlets import Tuple

from workbench.casework.authority import admit
from workbench.casework.ownphotographs import own_photographs
from workbench.domain import MOST_PHOTOGRAPHS, Photograph, Probe, Profile
from workbench.errors import ImageError
from workbench.faces.probes import find_faces, from_shot, make_photograph
from workbench.widgets.components.agreement import Agreement, agreement
from workbench.widgets.components.tasks import Tasks

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.casework.provenance import Provenance
    from workbench.domain import Candidate
    from workbench.faces.models import Models
    from workbench.faces.probes import FoundFaces
    from workbench.installation import Installation


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A photograph as it was added: the faces in it, and the one chosen as the person's.

    It comes from a file, kept as ``content``, or from the best shot of ``tracklet_id``.
    """

    key: str
    found: FoundFaces
    chosen: int | None = None
    photograph: Photograph | None = None  # None as long as no face is chosen
    used: bool = True  # False: it is shown, but no part of the question
    content: bytes = field(default=b"", repr=False)
    tracklet_id: str = ""


class Photographs(Tasks):
    """View-model of the photographs of one person, such as the target of a search.

    Problems are reported in ``messages``, under ``target``.
    """

    uploads = Tuple(help="the photographs of the person, each an Upload")
    person = "target"  # what a page calls the person

    installation: Installation
    gallery: Path
    profile: Profile
    _number = 0

    def load_models(self) -> None:
        """Load the networks ahead of the first photograph."""
        self.do("target", "Loading the face models", self._models, lambda _: None)

    def add_photograph(self, name: str, content: bytes) -> None:
        """Look for faces in a photograph (any format Pillow knows) and add it."""
        self.add_photographs([(name, content)])

    def add_photographs(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Add photographs, each by name and content, and report those that cannot be used."""
        self.say("target")
        for name, content in files:
            self.read(name, content)

    def read(
        self, name: str, content: bytes, *, chosen: int | None = None, used: bool = True
    ) -> None:
        """Add a photograph; *chosen* is the number of the person's face in it."""
        key = self._key()

        def job() -> Upload:
            models = self._models()
            upload = Upload(
                key, find_faces(content, name=name, models=models), used=used, content=content
            )
            if chosen is None and len(upload.found.faces) > 1:
                return upload
            return _choose(upload, chosen or 0, models)

        self.do("target", f"Looking for faces in {name}", job, self._add)

    def take_own(self, case: str) -> None:
        """Add the photographs of a case's subject, as they were given, but those here already."""
        self.say("target")
        register, here = self.installation.register, {upload.content for upload in self.uploads}

        def done(kept: Sequence[tuple[Provenance, bytes]]) -> None:
            for stated, content in kept:
                if content not in here:
                    self._read_own(stated, content)

        self.do("target", "Reading the photographs", lambda: own_photographs(register, case), done)

    def _read_own(self, stated: Provenance, content: bytes) -> None:
        self.read(stated.name, content, chosen=stated.face - 1)

    def take_shot(
        self, tracklet_id: str, *, case: str, name: str = "", used: bool = True, again: bool = False
    ) -> None:
        """Add the best shot of an indexed tracklet, if *case* is about the person it shows.

        See :func:`workbench.casework.authority.admit`. *again* brings back one that was admitted,
        and says nothing else.
        """
        if not again:
            self.say("target")
        if any(upload.tracklet_id == tracklet_id for upload in self.uploads):
            self.say("target", "This best shot is already among the photographs.")
            return
        key = self._key()

        def job() -> Upload:
            with self.installation.open_gallery(self.gallery) as gallery:
                shot = gallery.shots(tracklet_id)[0]
            found, photograph = from_shot(shot, name=name or f"best shot of {tracklet_id}")
            probe = Probe((photograph,), photograph.template, self.profile)
            admit(self.installation.register, case, probe, tracklet_id=tracklet_id)
            return Upload(key, found, 0, photograph, used, tracklet_id=tracklet_id)

        self.do("target", "Taking a best shot from the gallery", job, self._add)

    def choose_face(self, key: str, index: int) -> None:
        """Take face number *index* (from 0, largest first) of a photograph as the person's."""
        upload = self._upload(key)

        def done(chosen: Upload) -> None:
            self._replace(replace(chosen, used=self._upload(key).used))

        self.say("target")
        self.do(
            "target",
            f"Reading face {index + 1} of {upload.found.name}",
            lambda: _choose(upload, index, self._models()),
            done,
        )

    def use_photograph(self, key: str, used: bool) -> None:
        """Let a photograph count in the question, or leave it out and keep it."""
        self.say("target")
        self._replace(replace(self._upload(key), used=used))

    def remove_photograph(self, key: str) -> None:
        """Remove a photograph."""
        self.say("target")
        self.uploads = tuple(upload for upload in self.uploads if upload.key != key)

    @property
    def used(self) -> tuple[Upload, ...]:
        """The photographs that count: switched on, with the face chosen in them."""
        return tuple(upload for upload in self.uploads if upload.used and upload.photograph)

    @property
    def agreement(self) -> Agreement:
        """Agreement of the photographs that count, in the order of :attr:`used`."""
        return self._agreement(self.used)

    def with_the_used(self, upload: Upload) -> Agreement:
        """Compare those that count with one that is switched off, which comes last."""
        return self._agreement([*self.used, upload])

    def _agreement(self, uploads: Sequence[Upload]) -> Agreement:
        chosen = [upload.photograph for upload in uploads if upload.photograph]
        return agreement(chosen, self.profile, calibrations=self.installation.calibrations)

    def _photographs(self) -> Sequence[Photograph]:
        """List the photographs that count; if none is usable or one is unclear, say so."""
        unclear = [u.found.name for u in self.uploads if u.used and u.photograph is None]
        if unclear:
            self.say("target", f"{unclear[0]}: choose the {self.person} among its faces.")
        elif not self.used:
            self.say(
                "target",
                "Switch on at least one photograph."
                if self.uploads
                else f"Add a photograph of the {self.person}.",
            )
        return [] if unclear else [u.photograph for u in self.used if u.photograph]

    def _key(self) -> str:
        self._number += 1
        return str(self._number)

    def _upload(self, key: str) -> Upload:
        found: Upload = next(upload for upload in self.uploads if upload.key == key)
        return found

    def _add(self, upload: Upload) -> None:
        if len(self.uploads) >= MOST_PHOTOGRAPHS:
            raise ImageError(
                f"was not added; there are {MOST_PHOTOGRAPHS} photographs already",
                where=upload.found.name,
                fix="Remove one first",
            )
        self.uploads = (*self.uploads, upload)

    def _replace(self, upload: Upload) -> None:
        self.uploads = tuple(upload if u.key == upload.key else u for u in self.uploads)

    def _models(self) -> Models:
        return self.installation.load_models(self.profile)


def shot_name(candidate: Candidate, when: str) -> str:
    """Name a best shot among the photographs."""
    return f"{candidate.camera.name or candidate.camera.camera_id}, {when}"


def _choose(upload: Upload, index: int, models: Models) -> Upload:
    photograph = make_photograph(upload.found, index + 1, models=models)
    return replace(upload, chosen=index, photograph=photograph)
