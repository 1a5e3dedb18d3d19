"""Footage that comes without a list, as a page brings it in: folder, answers, places, tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Bool, Dict, Float, Instance, Tuple, Unicode, observe

from workbench.casework.listing import list_footage
from workbench.domain import Camera
from workbench.errors import CatalogueError, NotPermitted, SightlineError
from workbench.footage.importing import (
    Proposal,
    ProposedRecording,
    Survey,
    Written,
    existing_catalogue,
    known_places,
    propose,
    read_places,
    read_zone,
    survey,
)
from workbench.footage.names import own_pattern
from workbench.widgets.components.tasks import LOADING, Tasks

if TYPE_CHECKING:
    from workbench.installation import Installation
    from workbench.widgets.components.uploader import File
    from workbench.widgets.components.work import Work

MOST_FOLDERS = 200  # that are offered by name
NEITHER = ""


class ImportModel(Tasks):
    """A folder of footage, what was answered about it, and the catalogue that follows.

    Parameters
    ----------
    gallery : Path
        Its catalogues say where footage lies, where the settings do not.
    """

    folder = Unicode(help="the folder to look through")
    zone_name = Unicode(help="zone of the cameras' clocks: Europe/London, UTC or +01:00")
    pattern = Unicode(help="form of names of one's own")
    camera = Unicode(help="camera of what neither name nor folder says")
    frame_rate = Float(0.0, help="pictures per second of what does not say; 0: not given")
    prefer = Unicode(NEITHER, help="name or container: which to believe in a contradiction")
    without_places = Bool(help="also list cameras whose place is not known")
    overlaps = Bool(help="also list recordings of one camera that overlap in time")
    weak_too = Bool(help="also list recordings whose time is weak")
    places = Dict(help="cameras by id: of the catalogue, of a list, and placed on the map")
    folders = Tuple(help="folders that may be looked through")
    proposal = Instance(Proposal, allow_none=True)
    written = Instance(Written, allow_none=True)

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self._survey: Survey | None = None
        self._listed: frozenset[str] = frozenset()

    # --- Folders --------------------------------------------------------------------------------

    def find_folders(self) -> None:
        """Offer the folders that may be looked through."""

        def done(folders: tuple[str, ...]) -> None:
            self.folders = folders

        self.say("import")
        self.do("import", "Looking for folders", self._folders, done)

    def _folders(self) -> tuple[str, ...]:
        found: list[str] = []
        for root in self.roots():
            found.append(str(root))
            try:
                inner = sorted(one for one in root.iterdir() if one.is_dir())
            except OSError as error:
                raise CatalogueError(
                    f"cannot be listed ({error.strerror})",
                    where=str(root),
                    fix="Allow this account to read it",
                ) from None
            found += [str(one) for one in inner if not one.name.startswith(".")]
        return tuple(dict.fromkeys(found))[:MOST_FOLDERS]

    def roots(self) -> tuple[Path, ...]:
        """The folders below which footage may be listed: of the settings, or known catalogues."""
        settings = self.installation.settings
        if settings.footage is not None:
            return (settings.footage,)
        if not self.gallery.exists():
            return ()
        with self.installation.open_gallery(self.gallery) as gallery:
            sources = gallery.runs()["source"]
        return tuple(dict.fromkeys(Path(one) for one in sources if Path(one).is_dir()))

    def _allowed(self, folder: Path) -> Path:
        """The folder, if it lies below one that may be looked through."""
        roots = self.roots()
        if not any(folder.resolve().is_relative_to(root.resolve()) for root in roots):
            named = ", ".join(map(str, roots)) or "none: set SIGHTLINE_FOOTAGE"
            raise NotPermitted(
                "is not below a folder that this page may read",
                where=str(folder),
                fix=f"Those are {named}",
            )
        return folder

    # --- Reading --------------------------------------------------------------------------------

    def read(self) -> None:
        """Look through the folder; names of files are shown only to whom the role permits it."""
        chosen = self.folder.strip() or next(iter(self.folders), "")
        folder, pattern = Path(chosen), self.pattern.strip()
        self.say("import")
        self.proposal = self.written = None
        if self._survey is None or folder != self._survey.folder:
            # Cameras of another folder may have the same names, and stand elsewhere.
            self._survey, self.places = None, {}

        def job() -> tuple[Survey, tuple[Camera, ...], frozenset[str]]:
            self.installation.register.require("footage.import")
            self._allowed(folder)
            before = existing_catalogue(folder)
            form = own_pattern(pattern) if pattern else None
            found = survey(folder, pattern=form, progress=self.on_progress())
            return found, before.cameras, before.files

        def done(found: tuple[Survey, tuple[Camera, ...], frozenset[str]]) -> None:
            self._survey, cameras, self._listed = found
            self.places = {
                one.camera_id: one for one in known_places(cameras, self.places.values())
            }
            self._propose()

        self.do("import", "Reading the folder", job, done, state=LOADING)

    @observe("zone_name", "camera", "frame_rate", "prefer", "places", "without_places", "overlaps")
    def _propose(self, _: object = None) -> None:
        """Propose again with the answers as they are now; files are not read again."""
        if self._survey is None:
            return
        self.say("zone")
        zone: tzinfo | None = None
        if self.zone_name.strip():
            try:
                zone = read_zone(self.zone_name)
            except SightlineError as error:
                self.say("zone", str(error))
        self.written = None
        self.proposal = propose(
            self._survey,
            zone=zone,
            places=self.places.values(),
            camera=self.camera,
            frame_rate=self.frame_rate or None,
            prefer=self.prefer or None,  # type: ignore[arg-type]
            without_places=self.without_places,
            overlaps=self.overlaps,
            listed=self._listed,
        )

    # --- Cameras --------------------------------------------------------------------------------

    def take_list(self, files: list[File]) -> None:
        """Take the places of a list of cameras that the browser sent."""
        file = files[-1]
        self.say("places")
        if file.content is None:
            self.say("places", f"{file.name}: is too large for a list of cameras.")
            return
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"list{Path(file.name).suffix.lower()[:10]}"
                path.write_bytes(file.content)
                try:
                    given = read_places(path)
                except SightlineError as error:
                    raise CatalogueError(error.what, where=file.name[:80], fix=error.fix) from None
            self._add_places(given)
        except SightlineError as error:
            self.say("places", str(error))

    def place(self, camera_id: str, latitude: float, longitude: float) -> None:
        """Put a camera at a place (WGS 84 degrees), or move one that was put there."""
        self.say("places")
        # Beyond the 180th meridian a map counts on.
        longitude = (longitude + 180) % 360 - 180
        try:
            camera = Camera(camera_id, camera_id, round(latitude, 6), round(longitude, 6))
        except SightlineError as error:
            self.say("places", str(error))
            return
        self.places = {**self.places, camera_id: camera}

    def _add_places(self, given: Iterable[Camera]) -> None:
        merged = known_places(self.places.values(), given)
        self.places = {one.camera_id: one for one in merged}

    # --- Writing --------------------------------------------------------------------------------

    @property
    def chosen(self) -> tuple[ProposedRecording, ...]:
        """The recordings that would be written."""
        rows = self.proposal.recordings if self.proposal else ()
        return tuple(one for one in rows if one.stated or (self.weak_too and one.ready))

    def write(self) -> None:
        """Write the tables; rows that are there stay, and in service an entry says who did."""
        proposal, chosen = self.proposal, self.chosen
        if proposal is None or not chosen:
            return
        self.say("import")

        def job() -> Written:
            self._allowed(proposal.survey.folder)
            register, zone = self.installation.register, self.zone_name
            return list_footage(register, proposal, chosen, zone=zone, prefer=self.prefer, add=True)

        def done(written: Written) -> None:
            self._listed |= {one.file for one in chosen}
            self._propose()
            self.written = written

        self.do("import", "Writing the tables", job, done)
