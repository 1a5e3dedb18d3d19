"""Galleries: made, indexed, searched, and their clocks corrected."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from workbench import gallery as galleries
from workbench import indexing, investigation
from workbench.casework import clockcorrection
from workbench.casework.ownphotographs import make_own_photographs
from workbench.casework.training import TRAINING_CASE, covering_case
from workbench.domain import Scope
from workbench.errors import gallery_is_there
from workbench.faces.probes import pool_photographs
from workbench.indexing.workers import available_cores
from workbench.installation import Installation
from workbench.live import progress as live_progress
from workbench.live.results import SearchResult

if TYPE_CHECKING:
    from datetime import datetime

    from workbench.casework.record.people import Action
    from workbench.domain import (
        Catalogue,
        ClockChange,
        Filter,
        Probe,
        Profile,
        ProgressCallback,
        Threshold,
    )
    from workbench.faces.models import Models
    from workbench.gallery.cache import CachePlace
    from workbench.indexing import IndexReport


class Gallery(galleries.Gallery):
    """A gallery of the installation that the environment names.

    >>> with Gallery.open("town.duckdb") as gallery:                        # doctest: +SKIP
    ...     gallery.recordings()

    See :class:`workbench.gallery.Gallery`; *memory_mb* and *cache* are by default those of the
    settings. A gallery that belongs to another installation is refused; writing takes a role, and
    is on record.
    """

    @classmethod
    def create(cls, path: Path | str, profile: Profile, *, memory_mb: int | None = None) -> Self:
        """Make an empty gallery; see :meth:`workbench.gallery.Gallery.create`."""
        installation = Installation.open()
        installation.register.require("footage.index")
        made = super().create(path, profile, memory_mb=_memory(installation, memory_mb))
        return installation.admitted(made, action="footage.index")

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        write: bool = False,
        profile: Profile | None = None,
        memory_mb: int | None = None,
        cache: CachePlace | None = None,
        action: Action = "gallery.maintain",
    ) -> Self:
        """Open a gallery; see :meth:`workbench.gallery.Gallery.open`.

        To write it, the user's role must cover *action*.
        """
        installation = Installation.open()
        if write:
            installation.register.require(action)
        opened = super().open(
            path,
            write=write,
            profile=profile,
            memory_mb=_memory(installation, memory_mb),
            cache=installation.cache if cache is None else cache,
        )
        return installation.admitted(opened, action=action if write else None)

    @classmethod
    def for_writing(
        cls,
        path: Path | str,
        profile: Profile,
        *,
        memory_mb: int | None = None,
        cache: CachePlace | None = None,
    ) -> Self:
        """Open a gallery for indexing; see :meth:`workbench.gallery.Gallery.for_writing`."""
        if not gallery_is_there(Path(path)):
            return cls.create(path, profile, memory_mb=memory_mb)
        return cls.open(
            path,
            write=True,
            profile=profile,
            memory_mb=memory_mb,
            cache=cache,
            action="footage.index",
        )


def load_models(
    profile: str | Profile = "dlib", *, installation: Installation | None = None
) -> Models:
    """Load the networks of a profile by its name, or the very one a gallery was made with.

    Parameters
    ----------
    profile : str or Profile
        ``dlib`` (embedded), ``yunet-dlib``, the name of an imported profile, or any
        ``<detector>+<recogniser>`` of DeepFace.
    installation : Installation, optional
        Whose weights to use; by default those of the environment's.

    Raises
    ------
    ModelError
        If there is no such profile, or weights are missing, or not those of the given Profile.
    """
    return (installation or Installation.open()).load_models(profile)


def index_catalogue(
    source: Path | str | Catalogue,
    gallery: galleries.Gallery,
    models: Models,
    *,
    workers: int | None = None,
    ray: str | indexing.Cluster | None = None,
    first: Scope | None = None,
    progress: ProgressCallback | bool = True,
    installation: Installation | None = None,
) -> IndexReport:
    """Index the recordings of a catalogue that the gallery does not hold yet.

    >>> with sl.Gallery.for_writing("town.duckdb", models.profile) as gallery:  # doctest: +SKIP
    ...     sl.index_catalogue("footage/", gallery, models)

    Interrupt it at any time: what is finished is stored, and the next call goes on with the rest.
    Errors are those of :func:`workbench.indexing.index_catalogue`.

    Parameters
    ----------
    source : path or Catalogue
        Folder with ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv``.
    gallery : Gallery
        Open for writing, made with the profile of *models*.
    models : Models
        See :func:`load_models`.
    workers : int, optional
        Processes that read recordings; by default one for each core, and on a cluster as many as
        its nodes have room for.
    ray : str or Cluster, optional
        Cluster of Ray on whose nodes they run, such as ``"auto"`` (docs/scale.md).
    first : Scope, optional
        Recordings that begin in this place and time come before the others.
    progress : callable or bool
        By default a bar in a notebook and on a terminal, or a line now and then in a log; False
        shows nothing; a callable gets each :class:`workbench.domain.Progress`.
    installation : Installation, optional
        Whose calibration counts; by default that of the environment's.
    """
    installation = installation or Installation.open()
    stopped = "Stopped. What is finished is stored; the next run goes on with the rest."
    shown = functools.partial(live_progress.indexing, stopped)
    with live_progress.followed(progress, shown) as update:
        report = indexing.index_catalogue(
            source,
            gallery,
            models,
            workers=workers if ray is not None else workers or available_cores(),
            ray=ray,
            first=first,
            normaliser=installation.normaliser(models.profile),
            progress=update,
        )
    installation.prepare_scores(gallery)
    return report


def training_case(
    over: galleries.Gallery | Scope,
    reference: str = TRAINING_CASE,
    *,
    title: str = "",
    installation: Installation | None = None,
) -> str:
    """Return the reference of a case to learn and to test with; open or widen it if it must be.

    >>> case = sl.training_case(gallery)                                 # doctest: +SKIP
    >>> sl.search(gallery, probe, scope, case=case)                      # doctest: +SKIP

    It carries no authority: nothing that is found under it may be acted on. In an installation in
    service it searches the demo's fictional footage alone.

    Parameters
    ----------
    over : Gallery or Scope
        What it covers: district and time, or all cameras of a gallery with a place, some kilometres
        around them, from the day before its footage to the day after.

    Raises
    ------
    GalleryError
        If the gallery holds no footage, or knows no place of a camera.
    NotPermitted
        If the user may not open training cases.
    CaseError
        If the reference is that of another case.
    """
    register = (installation or Installation.open()).register
    scope = over if isinstance(over, Scope) else investigation.whole_scope(over)
    return covering_case(register, scope, reference=reference, title=title)


def case_probe(case: str, *, models: Models, installation: Installation | None = None) -> Probe:
    """Make a probe of the photographs of a case's own subject, as if their files were given.

    >>> probe = sl.case_probe("A-2026-117", models=models)               # doctest: +SKIP
    >>> sl.search(gallery, probe, scope, case="A-2026-117")              # doctest: +SKIP

    Raises
    ------
    NotPermitted
        If the user may not look at faces.
    CaseError
        If there is no such case, or it holds no photographs.
    """
    register = (installation or Installation.open()).register
    return pool_photographs(make_own_photographs(register, case, models=models), models)


def correct_clocks(
    gallery: galleries.Gallery,
    *,
    recording: str = "",
    camera_id: str = "",
    folder: str = "",
    catalogue: str = "",
    from_seconds: float = 0.0,
    since: datetime | None = None,
    until: datetime | None = None,
    alone: bool = False,
    all_stretches: bool = False,
    offset_seconds: float | None,
    how: str,
    uncertainty_seconds: float | None = None,
    dry_run: bool = False,
    installation: Installation | None = None,
) -> tuple[ClockChange, ...]:
    """Correct or confirm the clocks of a recording, a camera or a folder, on record.

    >>> with sl.Gallery.open("town.duckdb", write=True) as gallery:         # doctest: +SKIP
    ...     sl.correct_clocks(gallery, camera_id="gate-2", offset_seconds=95.0,
    ...                       how="compared with the speaking clock on 2 April")

    Returns old and new times. Errors and the parameters that are not named here are those of
    :func:`workbench.casework.clockcorrection.correct_clocks`.

    Parameters
    ----------
    recording, camera_id, folder, catalogue, from_seconds, since, until, alone, all_stretches
        As in :class:`workbench.casework.clockcorrection.ClockTarget`.
    installation : Installation, optional
        Whose roles and record count; by default those of the environment's.
    """
    return clockcorrection.correct_clocks(
        (installation or Installation.open()).register,
        gallery,
        clockcorrection.ClockTarget(
            recording=recording,
            from_seconds=from_seconds,
            camera_id=camera_id,
            folder=folder,
            catalogue=catalogue,
            since=since,
            until=until,
            alone=alone,
            all_stretches=all_stretches,
        ),
        offset_seconds=offset_seconds,
        how=how,
        uncertainty_seconds=uncertainty_seconds,
        dry_run=dry_run,
    )


def search(
    gallery: galleries.Gallery,
    probe: Probe,
    scope: Scope,
    *,
    case: str,
    top: int | None = 100,
    threshold: Threshold | float | Literal["all"] | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | bool = True,
    installation: Installation | None = None,
) -> SearchResult:
    """Look for the probe's face among the tracklets inside the scope, under a case.

    >>> result = sl.search(gallery, probe, scope, case="A-2026-117")     # doctest: +SKIP
    >>> result.faces()                                                   # doctest: +SKIP

    Parameters and errors are those of :func:`workbench.investigation.search`, but for:

    Parameters
    ----------
    threshold : Threshold, float or "all", optional
        Return only candidates with at least this score. By default that of the settings or the
        calibration, as the command and the page take it; "all" returns candidates of any score.
    progress : callable or bool
        As for :func:`index_catalogue`; what is shown by default appears after a second.
    installation : Installation, optional
        Whose cases to ask under; by default those of the environment's.

    Raises
    ------
    NotCalibrated
        If no threshold was given, and the profile has no calibration.
    """
    installation = installation or Installation.open()
    if threshold is None:
        threshold = installation.threshold_for(probe)
    with live_progress.followed(progress, live_progress.searching) as update:
        result = investigation.search(
            gallery,
            probe,
            scope,
            case=case,
            register=installation.register,
            top=top,
            threshold=None if threshold == "all" else threshold,
            only=only,
            zone=installation.settings.zone,
            progress=update,
            searchers=installation.searchers,
        )
    return SearchResult.of(result, installation=installation, gallery=gallery.path)


def _memory(installation: Installation, memory_mb: int | None) -> int:
    return installation.settings.search_memory_mb if memory_mb is None else memory_mb
