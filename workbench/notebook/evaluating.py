"""Profiles: calibrated, measured on people with known names, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.calibration import calibration_of
from workbench.casework.installing import record_calibration
from workbench.errors import ModelError
from workbench.faces import imported
from workbench.faces.models import installed
from workbench.faces.profiles import NAMED
from workbench.installation import Installation
from workbench.live import progress as live_progress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from workbench import gallery as galleries
    from workbench.calibration import Calibration
    from workbench.domain import ProgressCallback
    from workbench.evaluation.compare import Combination
    from workbench.evaluation.labelled import Labelled
    from workbench.evaluation.own_footage import Lesson
    from workbench.evaluation.protocols import Trial


def profiles(*, installation: Installation | None = None) -> pd.DataFrame:
    """List the profiles that come with Sightline or were imported, and what is known of each.

    Any other pair is written ``<detector>+<recogniser>``; `sightline models list` has the licences.

    Returns
    -------
    DataFrame
        profile, detector, recogniser, ready (its weights are on this machine), calibration (the
        data, or empty), threshold (by default, for one photograph), scale, note.
    """
    import pandas as pd

    installation = installation or Installation.open()
    home, folder = installation.settings.models, installation.settings.calibrations_folder
    rows = []
    for name in (*NAMED, *imported.names(home)):
        row: dict[str, object] = {"profile": name, "ready": False, "calibration": "", "note": ""}
        try:
            profile = installed(name, home=home)
        except ModelError as error:
            rows.append(row | {"note": str(error)})
            continue
        row |= {"detector": profile.detector, "recogniser": profile.recogniser, "ready": True}
        known = calibration_of(profile, folder=folder)
        if known is not None:
            threshold = known.threshold(photographs=1)
            row |= {"calibration": known.data, "threshold": threshold.score, "scale": known.scale}
        rows.append(row)
    columns = ("profile", "detector", "recogniser", "ready", "calibration", "threshold", "scale",
               "note")  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns))


def calibration_for(
    profile: str | None = None, *, installation: Installation | None = None
) -> Calibration | None:
    """Return the calibration that searches with a profile use, or None.

    >>> sl.calibration_for("dlib").threshold(photographs=3)                   # doctest: +SKIP

    Parameters
    ----------
    profile : str, optional
        By default that of the settings.

    Raises
    ------
    ModelError
        If there is no such profile, or its weights are missing.
    EvaluationError
        If a calibration of the installation cannot be used.
    """
    installation = installation or Installation.open()
    settings = installation.settings
    found = installed(profile or settings.profile, home=settings.models)
    return calibration_of(found, folder=settings.calibrations_folder)


def evaluate(
    folder: Path | str,
    profile: str | None = None,
    *,
    photographs: int = 1,
    without_mate: Collection[str] = (),
    progress: ProgressCallback | bool = True,
    installation: Installation | None = None,
) -> Trial:
    """Measure a profile on a folder of pictures for each person; nothing is kept but templates.

    >>> trial = sl.evaluate("staff", photographs=2)                       # doctest: +SKIP
    >>> trial.threshold_at(fmr=0.001)                                     # doctest: +SKIP

    Scores are those that searches with this profile have. More of it, such as groups and figures,
    is in :mod:`workbench.evaluation`.

    Parameters
    ----------
    folder : path
        See :func:`workbench.evaluation.data.people_in`.
    profile : str, optional
        By default that of the settings.
    photographs : int
        Pictures of each person that are the probe; the others are the entry in the gallery.
    without_mate : collection of str
        People who are kept out of the gallery, so that their probes should find no one.
    progress : callable or bool
        As for :func:`workbench.index_catalogue`.

    Raises
    ------
    EvaluationError
        If there are not pictures of two people, or no person has enough of them.
    """
    from workbench.evaluation import data, pooling
    from workbench.evaluation.samples import enrol

    installation = installation or Installation.open()
    models = installation.load_models(profile)
    stills = data.people_in(Path(folder))
    cache = installation.settings.evaluation_folder
    with live_progress.followed(progress, live_progress.enrolling) as update:
        samples = enrol(stills, models, cache=cache, progress=update)
    return pooling.trial(
        samples,
        in_probe=photographs,
        alone=[*without_mate],
        normaliser=installation.normaliser(models.profile),
    )


def compare_profiles(
    folder: Path | str,
    profiles: Sequence[str | Combination],
    *,
    fmr: float = 0.01,
    photographs: int = 1,
    without_mate: Collection[str] = (),
    progress: ProgressCallback | bool = True,
    installation: Installation | None = None,
) -> pd.DataFrame:
    """Compare profiles at the same strictness, each at its own threshold for an FMR.

    >>> sl.compare_profiles("staff", ["dlib", "yunet-dlib"], fmr=0.001)   # doctest: +SKIP

    Scores are plain, and thresholds are set on this very data: for comparing profiles, not for a
    search.

    Parameters
    ----------
    folder, photographs, without_mate
        As for :func:`evaluate`.
    profiles : sequence of str or Combination
        Names, or a :class:`workbench.evaluation.compare.Combination` for another metric.
    fmr : float
        Rates that the data cannot give at this FMR are left out.

    Returns
    -------
    DataFrame
        See :func:`workbench.evaluation.compare.side_by_side`.

    Raises
    ------
    ModelError
        If a profile's weights are missing.
    """
    from workbench.evaluation import compare, data

    settings = (installation or Installation.open()).settings
    stills = data.people_in(Path(folder))
    measured = []
    for one in profiles:
        combination = compare.Combination(one) if isinstance(one, str) else one
        with live_progress.followed(progress, live_progress.enrolling) as update:
            measured.append(
                compare.measure(
                    combination,
                    stills,
                    in_probe=photographs,
                    alone=[*without_mate],
                    home=settings.models,
                    cache=settings.evaluation_folder,
                    progress=update,
                )
            )
    return compare.side_by_side(measured, fmr=fmr)


def calibrate(
    folder: Path | str,
    profile: str | None = None,
    *,
    data: str,
    licence: str,
    without: Collection[str] = (),
    replace: bool = False,
    progress: ProgressCallback | bool = True,
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
    progress : callable or bool
        As for :func:`index_catalogue`.
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
    with live_progress.followed(progress, live_progress.enrolling) as update:
        made = calibrate_folder(
            Path(folder), models, data=data, licence=licence, cache=settings.evaluation_folder,
            without=without, progress=update,
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
