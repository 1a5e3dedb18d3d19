"""Sightline: look for one known face in recorded footage, in a stated place and time.

>>> import workbench as sl
>>> models = sl.load_models("dlib")                                        # doctest: +SKIP
>>> with sl.Gallery.for_writing("town.duckdb", models.profile) as gallery:  # doctest: +SKIP
...     sl.index_catalogue("footage/town", gallery, models)
>>> probe = sl.make_probe([Path("target.jpg")], models=models)             # doctest: +SKIP
>>> gallery = sl.Gallery.open("town.duckdb")                               # doctest: +SKIP
>>> scope = sl.Scope(sl.district_from_file("centre.geojson"), start, end)  # doctest: +SKIP
>>> case = sl.training_case(gallery)                                       # doctest: +SKIP
>>> sl.search(gallery, probe, scope, case=case).faces()                    # doctest: +SKIP

A match is a lead, never an identification.
"""

from __future__ import annotations

import importlib as _importlib
import os as _os
import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from workbench import demo as demo
    from workbench import evaluation as evaluation
    from workbench import widgets as widgets
    from workbench.client import connect as connect
    from workbench.district import from_file, from_geojson
    from workbench.domain import Candidate as Candidate
    from workbench.domain import District as District
    from workbench.domain import Scope as Scope
    from workbench.faces.probes import make_probe as make_probe
    from workbench.footage.importing import propose_catalogue as propose_catalogue
    from workbench.footage.importing import write_catalogue as write_catalogue
    from workbench.installation import Installation as Installation
    from workbench.live.results import SearchResult as SearchResult
    from workbench.maps.timeline import timeline as timeline
    from workbench.notebook import Gallery as Gallery
    from workbench.notebook import calibrate as calibrate
    from workbench.notebook import calibrate_from_gallery as calibrate_from_gallery
    from workbench.notebook import calibration_for as calibration_for
    from workbench.notebook import case_probe as case_probe
    from workbench.notebook import compare_profiles as compare_profiles
    from workbench.notebook import correct_clocks as correct_clocks
    from workbench.notebook import evaluate as evaluate
    from workbench.notebook import index_catalogue as index_catalogue
    from workbench.notebook import load_models as load_models
    from workbench.notebook import profiles as profiles
    from workbench.notebook import search as search
    from workbench.notebook import sightings_map as sightings_map
    from workbench.notebook import training_case as training_case

    district_from_file, district_from_geojson = from_file, from_geojson

__version__ = "0.1.0"

# ONNX Runtime reports to its maker, from its import on, which networks run on which machine.
_os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Names are found on first use: `import workbench` loads neither networks nor databases.
_HOMES = {
    "Candidate": "workbench.domain",
    "District": "workbench.domain",
    "Gallery": "workbench.notebook",
    "Installation": "workbench.installation",
    "Scope": "workbench.domain",
    "SearchResult": "workbench.live.results",
    "calibrate": "workbench.notebook",
    "calibrate_from_gallery": "workbench.notebook",
    "calibration_for": "workbench.notebook",
    "case_probe": "workbench.notebook",
    "compare_profiles": "workbench.notebook",
    "connect": "workbench.client",
    "correct_clocks": "workbench.notebook",
    "district_from_file": "workbench.district:from_file",
    "district_from_geojson": "workbench.district:from_geojson",
    "evaluate": "workbench.notebook",
    "index_catalogue": "workbench.notebook",
    "load_models": "workbench.notebook",
    "make_probe": "workbench.faces.probes",
    "profiles": "workbench.notebook",
    "propose_catalogue": "workbench.footage.importing",
    "search": "workbench.notebook",
    "sightings_map": "workbench.notebook",
    "timeline": "workbench.maps.timeline",
    "training_case": "workbench.notebook",
    "write_catalogue": "workbench.footage.importing",
}
_ROOMS = ("demo", "evaluation", "widgets")  # for what is seldom needed: `sl.evaluation.plots`

__all__ = [*_HOMES, *_ROOMS]


def __getattr__(name: str) -> object:
    if "ipykernel" in _sys.modules:
        _follow_theme()
    if name in _ROOMS:
        return _importlib.import_module(f"workbench.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = home.partition(":")
    return getattr(_importlib.import_module(module), attribute or name)


def _follow_theme() -> None:
    """Have the charts of a notebook be as light or dark as it is."""
    from workbench.style import BEFORE_CHARTS

    if not BEFORE_CHARTS:
        view = "workbench.live.view"  # loaded when there is a chart to show
        BEFORE_CHARTS.append(lambda: _importlib.import_module(view).ChartStyle.deliver())


def __dir__() -> list[str]:
    return __all__
