"""An installation: its settings, and the cases, galleries and models that they name.

Doors (commands, pages, functions for notebooks) open the installation they are used in, once, and
hand down what is needed. Nothing behind a door looks for settings or cases of its own accord.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.calibration import calibration_of
from workbench.casework.facts import notices_of
from workbench.casework.ownership import own, require_own, take
from workbench.casework.record.installation_file import begins_in_service, read_installation
from workbench.casework.record.people import identify, read_people
from workbench.casework.register import FOLDER, CaseRegister, open_register
from workbench.domain import PLAIN_SCALE, Profile, Threshold
from workbench.domain.times import local_time
from workbench.errors import SettingsError
from workbench.faces import models, profiles
from workbench.settings import Settings, load_settings

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.casework.cases import Case
    from workbench.casework.evidence.films import ClipMaker, OnPicture
    from workbench.casework.record.people import Action
    from workbench.casework.viewing import Piece
    from workbench.domain import Candidate, Probe
    from workbench.faces.clips import Clip, Cut
    from workbench.gallery import Gallery
    from workbench.gallery.cache import CachePlace
    from workbench.searchers.spread import Searchers

G = TypeVar("G", bound="Gallery")


@dataclass(frozen=True)
class Installation:
    """The settings of one place, and what they name.

    >>> installation = Installation.open()                               # doctest: +SKIP
    >>> with installation.open_gallery() as gallery:                     # doctest: +SKIP
    ...     models = installation.load_models(gallery.profile)
    >>> installation.register.case("A-2026-117").status()                # doctest: +SKIP
    'open'
    """

    settings: Settings
    ignored: tuple[str, ...] = ()  # variables of rules that do not count: it is in service

    @classmethod
    def open(cls) -> Installation:
        """Open the installation that the environment of this process names.

        Raises
        ------
        SettingsError
            If a setting cannot be used, or the installation's file cannot.
        """
        settings = load_settings()
        folder = settings.home.resolve() / FOLDER
        file = read_installation(folder)
        in_service = file.in_service if file is not None else begins_in_service(folder)
        rules = file.rules if file is not None else {}
        chosen = settings.with_rules(rules, in_service=in_service)
        return cls(chosen, settings.rules_set() if in_service else ())

    @cached_property
    def register(self) -> CaseRegister:
        """The register of cases, opened at first use.

        Raises
        ------
        AuditDamaged
            If the record is not what was written.
        """
        return open_register(self.settings)

    @property
    def folder(self) -> Path:
        """The casework folder."""
        return self.settings.home.resolve() / FOLDER

    @property
    def is_demo(self) -> bool:
        """True if this is the demo's own home, where one person may play every part."""
        file = read_installation(self.folder)
        return file is not None and file.is_demo

    def require_role(self) -> None:
        """Raise NotPermitted in service where the user has no role, and make nothing."""
        identify(read_people(self.folder), self.folder).require_role()

    @property
    def cache(self) -> CachePlace | None:
        """Place for what is read of galleries in object stores; None if nothing is kept."""
        from workbench.gallery.cache import CachePlace

        most = int(self.settings.cache_gb * 1e9)
        return CachePlace(self.settings.cache_folder.resolve(), most) if most else None

    @cached_property
    def searchers(self) -> Searchers | None:
        """Searchers on the nodes of the cluster that the settings name; None if they name none.

        This process is connected to the cluster from the first use on.

        Raises
        ------
        SettingsError
            If there is no such cluster, or it is one in which strangers could take part.
        """
        if self.settings.ray is None:
            return None
        from workbench.cluster.connection import stay_connected
        from workbench.searchers.on_node import services
        from workbench.searchers.spread import Searchers

        stay_connected(self.settings.ray)
        keys = self.register.installation_file.keys
        return Searchers(services(keys), local_bytes=int(self.settings.ray_from_mb * 2**20))

    def open_gallery(
        self,
        path: Path | str | None = None,
        *,
        write: bool = False,
        profile: Profile | None = None,
        action: Action = "gallery.maintain",
        about: Mapping[str, Any] | None = None,
    ) -> Gallery:
        """Open a gallery, by default the one of the settings.

        Parameters
        ----------
        write, profile
            As in :meth:`workbench.gallery.Gallery.open`, with its errors.
        action : Action
            What it is opened for writing for: the user's role must cover it.
        about : mapping, optional
            More of that, for the record.

        Raises
        ------
        GalleryError
            If it belongs to another installation, or to none and this one is in service.
        NotPermitted
            If it is to be written and the user's role does not cover the action.
        """
        from workbench.gallery import Gallery  # and with it DuckDB, which few commands need

        if write:
            self.register.require(action)
        gallery = Gallery.open(
            path or self.settings.gallery_file,
            write=write,
            profile=profile,
            memory_mb=self.settings.search_memory_mb,
            cache=self.cache,
        )
        return self.admitted(gallery, action=action if write else None, about=about)

    def gallery_for_writing(
        self,
        path: Path | str,
        profile: Profile,
        *,
        action: Action = "footage.index",
        about: Mapping[str, Any] | None = None,
    ) -> Gallery:
        """Open a gallery for writing, made first if there is none.

        Parameters and errors are those of :meth:`open_gallery` and
        :meth:`workbench.gallery.Gallery.for_writing`.
        """
        from workbench.gallery import Gallery

        self.register.require(action)
        memory_mb = self.settings.search_memory_mb
        gallery = Gallery.for_writing(path, profile, memory_mb=memory_mb, cache=self.cache)
        return self.admitted(gallery, action=action, about=about)

    def admitted(
        self, gallery: G, *, action: Action | None = None, about: Mapping[str, Any] | None = None
    ) -> G:
        """Return an open gallery that is this installation's to open; close it and raise otherwise.

        With *action*, it was opened for writing for that, and belongs to the installation from then
        on; see :func:`workbench.casework.ownership.own`.
        """
        try:
            if action is None:
                require_own(read_installation(self.folder), self.folder, gallery)
            else:
                own(self.register, gallery, action, about)
        except BaseException:
            gallery.close()
            raise
        return gallery

    def take_gallery(self, path: Path | str) -> None:
        """Take over a gallery; see :func:`workbench.casework.ownership.take`, which raises."""
        from workbench.gallery import Gallery

        self.register.require("installation.change")
        with Gallery.open(path, write=True, memory_mb=self.settings.search_memory_mb) as gallery:
            take(self.register, gallery)

    def load_models(self, profile: str | Profile | None = None) -> models.Models:
        """Load the networks of a profile, by default of the one that the settings name.

        See :func:`workbench.faces.models.load`.
        """
        return models.load(profile or self.settings.profile, home=self.settings.models)

    def cut_clip(
        self,
        gallery: Path | str,
        candidate: Candidate,
        case: Case,
        *,
        of: models.Models | None = None,
    ) -> Clip:
        """Cut the seconds around a candidate from its recording, everybody else made coarse.

        A browser saves what it plays: case, place and time, and what must be said of the case,
        stand under each picture. Whoever calls has checked that it may be seen, and records that it
        is: :mod:`workbench.casework.reviewing.triage`.

        Parameters
        ----------
        gallery : Path or str
            Gallery in which the candidate was found.
        case : Case
            Nothing is shown beyond its time.
        of : Models, optional
            Networks of the gallery's profile; by default they are loaded.

        Raises
        ------
        RecordingError
            If the recording is not there, or not the one that was indexed.
        """
        from workbench.faces.clips import Clip, cut, inside, seconds_around
        from workbench.indexing.sources import indexed_source
        from workbench.maps.zones import zone_of_cameras

        with self.open_gallery(gallery) as opened:
            source = indexed_source(opened, candidate.recording_id)
            shots = opened.shots(candidate.tracklet_id)
            reading = opened.how_read(candidate.recording_id)
            profile, held = opened.profile, opened.seconds_held(candidate.recording_id, shots)
        request = case.request
        shots, within = inside(shots, request.start, request.end, within=held)
        zone = zone_of_cameras([candidate.camera], override=self.settings.zone)
        seen = (
            candidate.camera.words(),
            local_time(candidate.first_seen, zone),
            *filter(None, [candidate.time.mark]),
        )
        title, notice = f"Case {case.reference}: {', '.join(seen)}", notices_of(case, zone=zone)
        film = cut(
            source,
            shots,
            of or self.load_models(profile),
            reading=reading,
            within=within,
            tags={"title": title, "comment": " ".join(notice)},
            caption=(title, *notice),
        ).coarse
        return Clip(film, *seconds_around(shots, within=within))

    def clip_maker(self, gallery: Gallery) -> ClipMaker:
        """Return a function that cuts clips of sightings; it loads the models for the first one.

        They show nothing beyond the time of the case that it is given.
        """

        def clip(
            case: Case,
            sighting: Candidate,
            source: Path,
            on_picture: OnPicture,
            sharp: bool,
            tags: Mapping[str, str],
            caption: Sequence[str],
        ) -> Cut:
            from workbench.faces.clips import cut, inside  # most exports find no footage to cut

            shots = gallery.shots(sighting.tracklet_id)
            held = gallery.seconds_held(sighting.recording_id, shots)
            request = case.request
            shots, within = inside(shots, request.start, request.end, within=held)
            return cut(
                source,
                shots,
                self.load_models(gallery.profile),
                reading=gallery.how_read(sighting.recording_id),
                within=within,
                sharp=sharp,
                tags=tags,
                caption=caption,
                on_picture=on_picture,
            )

        return clip

    def cut_piece(self, gallery: Path | str, piece: Piece, *, sharp: bool) -> bytes:
        """Make a film of a piece of a recording: coarse all over, or as it is.

        Whoever calls has checked that it may be watched, and records that it is:
        :mod:`workbench.casework.viewing`.

        Raises
        ------
        RecordingError
            If the recording is not there, not the one that was indexed, or shows nothing then.
        """
        from workbench.footage.pieces import film_of
        from workbench.indexing.sources import indexed_source

        with self.open_gallery(gallery) as opened:
            source = indexed_source(opened, piece.recording_id)
            reading = opened.how_read(piece.recording_id)
        return film_of(source, piece.start, piece.end, reading=reading, sharp=sharp)

    def prepare_scores(self, gallery: Gallery) -> None:
        """Make what normalised scores take of each template, so that the next search need not."""
        normaliser = self.normaliser(gallery.profile)
        if normaliser is not None:
            gallery.make_offsets(normaliser)

    @property
    def calibrations(self) -> Path:
        """Folder of its own calibrations as its rules are now, which searches go by.

        A server and its pages stay open for days, and the rule may be changed meanwhile.
        """
        file = read_installation(self.folder)
        if file is None:
            return self.settings.calibrations_folder
        now = self.settings.with_rules(file.rules, in_service=file.in_service)
        return now.calibrations_folder

    def threshold_for(self, probe: Probe) -> Threshold:
        """The score from which on a search for a probe shows candidates by default.

        Each door that searches takes it from here: see :meth:`default_threshold`, which raises.
        """
        return self.default_threshold(
            probe.profile, photographs=len(probe.photographs), shots=probe.is_of_shots
        )

    def default_threshold(
        self, profile: Profile, *, photographs: int = 1, shots: bool = False
    ) -> Threshold:
        """The score from which on candidates are shown unless another is chosen.

        The threshold of the settings, else the calibrated one; see
        :func:`workbench.faces.profiles.calibrated_threshold`, which raises NotCalibrated.

        Raises
        ------
        SettingsError
            If the threshold of the settings is of another scale than the profile's scores.
        """
        settings, folder = self.settings, self.calibrations
        if settings.threshold is None:
            return profiles.calibrated_threshold(
                profile, calibrations=folder, photographs=photographs, shots=shots
            )
        calibration = calibration_of(profile, folder=folder)
        scale = calibration.scale if calibration else PLAIN_SCALE
        if settings.scale != scale:
            raise SettingsError(
                f"the threshold {settings.threshold:g} is of the scale {settings.scale}, and "
                f"scores of profile {profile.name} are of the scale {scale}",
                where="SIGHTLINE_THRESHOLD",
                fix=f"Set it again and say SIGHTLINE_SCALE={scale}, or leave it to the calibration",
            )
        return Threshold(settings.threshold, settings.calibration, scale)

    def normaliser(self, profile: Profile) -> Normaliser | None:
        """The normaliser of a profile's calibration, if it has one: see :func:`calibration_of`."""
        calibration = calibration_of(profile, folder=self.calibrations)
        return calibration.normaliser if calibration else None
