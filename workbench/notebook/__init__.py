"""The doors for notebooks and scripts: they use the installation that the environment names.

Everything here is found in :mod:`workbench` itself, beside what needs no installation:

>>> import workbench as sl
>>> models = sl.load_models("dlib")                                        # doctest: +SKIP

Each call opens the installation, and with it its record of cases. Open it once where many calls
follow each other, or where another one than that of the environment is meant:

>>> installation = sl.Installation.open()                                  # doctest: +SKIP
>>> sl.search(gallery, probe, scope, case="A-1", installation=installation)  # doctest: +SKIP
"""

from workbench.notebook.evaluating import (
    calibrate,
    calibrate_from_gallery,
    calibration_for,
    compare_profiles,
    evaluate,
    profiles,
)
from workbench.notebook.galleries import (
    Gallery,
    case_probe,
    correct_clocks,
    index_catalogue,
    load_models,
    search,
    training_case,
)
from workbench.notebook.maps import sightings_map

__all__ = [
    "Gallery",
    "calibrate",
    "calibrate_from_gallery",
    "calibration_for",
    "case_probe",
    "compare_profiles",
    "correct_clocks",
    "evaluate",
    "index_catalogue",
    "load_models",
    "profiles",
    "search",
    "sightings_map",
    "training_case",
]
