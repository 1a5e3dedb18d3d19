"""The doors for notebooks and scripts: they use the installation that the environment names.

Everything here is found in :mod:`workbench` itself, beside what needs no installation:

>>> import workbench as sl
>>> models = sl.load_models("dlib")                                        # doctest: +SKIP

Each call opens the installation, and with it its record of cases. Open it once where many calls
follow each other, or where another one than that of the environment is meant:

>>> installation = sl.Installation.open()                                  # doctest: +SKIP
>>> sl.search(gallery, probe, scope, case="A-1", installation=installation)  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench import gallery as galleries
from workbench import investigation
from workbench.casework import clockcorrection
from workbench.casework.installing import record_calibration
from workbench.errors import is_there
from workbench.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from workbench.casework.record.people import Action
    from workbench.domain import (
        ClockChange,
        Filter,
        Probe,
        Profile,
        ProgressCallback,
        Scope,
        Threshold,
    )
    from workbench.evaluation.labelled import Labelled
    from workbench.evaluation.own_footage import Lesson
    from workbench.faces.models import Models
    from workbench.investigation import SearchResult


class Gallery(galleries.Gallery):
    """A gallery of the installation that the environment names.

    >>> with Gallery.open("town.duckdb") as gallery:                        # doctest: +SKIP
    ...     gallery.recordings()

    See :class:`workbench.gallery.Gallery`; *memory_mb* is by default that of the settings. A
    gallery that belongs to another installation is refused; writing takes a role, and is on record.
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
        action: Action = "gallery.maintain",
    ) -> Self:
        """Open a gallery; see :meth:`workbench.gallery.Gallery.open`.

        To write it, the user's role must cover *action*.
        """
        installation = Installation.open()
        if write:
            installation.register.require(action)
        opened = super().open(
            path, write=write, profile=profile, memory_mb=_memory(installation, memory_mb)
        )
        return installation.admitted(opened, action=action if write else None)

    @classmethod
    def for_writing(
        cls, path: Path | str, profile: Profile, *, memory_mb: int | None = None
    ) -> Self:
        """Open a gallery for indexing; see :meth:`workbench.gallery.Gallery.for_writing`."""
        if not is_there(Path(path)):
            return cls.create(path, profile, memory_mb=memory_mb)
        return cls.open(
            path, write=True, profile=profile, memory_mb=memory_mb, action="footage.index"
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


def calibrate(
    folder: Path | str,
    profile: str | None = None,
    *,
    data: str,
    licence: str,
    without: Collection[str] = (),
    replace: bool = False,
    progress: ProgressCallback | None = None,
    installation: Installation | None = None,
) -> Labelled:
    """Measure what a profile's scores mean, on a folder of pictures for each person.

    >>> made = sl.calibrate("staff", "mobilefacenet", data="badge photographs of 2025",
    ...                     licence="consent in writing")               # doctest: +SKIP
    >>> made.calibration.threshold(photographs=2).score                 # doctest: +SKIP
    0.31

    The calibration is kept where the installation finds it, with the scores by which tracks are
    split and joined. A call that was interrupted goes on where it was. Errors and the parameters
    that are not named here are those of :func:`workbench.evaluation.labelled.calibrate_folder`.

    Parameters
    ----------
    profile : str, optional
        By default that of the settings.
    replace : bool
        Put it in the place of the calibration that there is.
    installation : Installation, optional
        Whose models and calibrations are meant; by default those of the environment's.
    """
    from workbench.evaluation.labelled import calibrate_folder, check_is_new, keep

    installation = installation or Installation.open()
    settings = installation.settings
    installation.register.require("installation.change")
    models = installation.load_models(profile)
    output = settings.calibrations_folder / f"{models.profile.name}.json"
    check_is_new(output, replace=replace)
    made = calibrate_folder(
        Path(folder), models, data=data, licence=licence, cache=settings.evaluation_folder,
        without=without, progress=progress,
    )  # fmt: skip
    files = keep(made, models.profile, output=output, home=settings.models, replace=replace)
    record_calibration(installation.register, files)
    return made


def calibrate_from_gallery(
    gallery: galleries.Gallery, *, write: bool = False, installation: Installation | None = None
) -> Lesson:
    """Learn from a gallery's footage what its scores mean, without labels.

    >>> with sl.Gallery.open("town.duckdb") as gallery:                     # doctest: +SKIP
    ...     print(*sl.calibrate_from_gallery(gallery).words(), sep="\n")

    People who are seen together are certainly different: a calibration is checked on them, and a
    profile without one gets a provisional one; see :mod:`workbench.evaluation.own_footage`.

    Parameters
    ----------
    write : bool
        Keep the provisional calibration, for searches with this profile.
    installation : Installation, optional
        Whose calibrations count; by default those of the environment's.

    Raises
    ------
    EvaluationError
        If one is to be written and there is none: there are too few pairs, or the profile has a
        calibration from labels.
    """
    from workbench.evaluation.own_footage import keep, learn

    installation = installation or Installation.open()
    folder = installation.settings.calibrations_folder
    if write:
        installation.register.require("installation.change")
    lesson = learn(gallery, calibrations=folder)
    if write:
        record_calibration(installation.register, [keep(lesson, calibrations=folder)])
    return lesson


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
    threshold: Threshold | float | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | None = None,
    installation: Installation | None = None,
) -> SearchResult:
    """Look for the probe's face among the tracklets inside the scope, under a case.

    Parameters, errors and answer are those of :func:`workbench.investigation.search`, but for:

    Parameters
    ----------
    installation : Installation, optional
        Whose cases to ask under; by default those of the environment's.
    """
    return investigation.search(
        gallery,
        probe,
        scope,
        case=case,
        register=(installation or Installation.open()).register,
        top=top,
        threshold=threshold,
        only=only,
        progress=progress,
    )


def _memory(installation: Installation, memory_mb: int | None) -> int:
    return installation.settings.search_memory_mb if memory_mb is None else memory_mb
