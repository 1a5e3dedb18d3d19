"""The page of an investigation: the case and four steps on the left, the answer on the right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets

from workbench.errors import GalleryError, SightlineError
from workbench.installation import Installation
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.components.parts import Panel, refusal
from workbench.widgets.components.timerange import TimePanel
from workbench.widgets.components.work import suitable_work
from workbench.widgets.investigate.case import CasePanel
from workbench.widgets.investigate.draft import DraftPanel
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import ResultsPanel
from workbench.widgets.investigate.search import SearchPanel
from workbench.widgets.investigate.target import SearchTargetPanel
from workbench.widgets.investigate.timeline import TimelinePanel


def investigate(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import investigate
    >>> investigate("town.duckdb")                                      # doctest: +SKIP

    Parameters
    ----------
    gallery_path : Path or str, optional
        The gallery to ask; by default that of the settings. Where it cannot be used, the page
        says so.
    installation : Installation, optional
        Whose cases and models to use; by default the one of the environment.
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        settings = installation.settings
        path = Path(gallery_path) if gallery_path else settings.gallery_file
        model = Investigation(
            path, installation=installation, zone=settings.zone, work=suitable_work()
        )
        if model.unplaced and not model.cameras:
            raise GalleryError(
                "no camera has a place, so there is nothing to draw a district around",
                where=str(path),
                fix="Search on the command line, under a case that names the cameras",
            )
        if not model.cameras:
            raise GalleryError(
                "no camera has been added yet",
                where=str(path),
                fix="Index footage first, with the command sightline index",
            )
    except SightlineError as error:
        return refusal("Nothing can be searched", error)
    model.load_models()
    return page(model)


def page(model: Investigation) -> Any:
    """The panels of an investigation, laid out."""
    question = ipywidgets.VBox(
        [
            CasePanel(model),
            DraftPanel(model),
            SearchTargetPanel(model, step=1),
            DistrictPanel(model, step=2),
            TimePanel(model, step=3),
            SearchPanel(model),
        ]
    )
    question.add_class("sl-question")
    answer = ipywidgets.VBox([ResultsPanel(model), SightingsPanel(model), TimelinePanel(model)])
    answer.add_class("sl-answer")
    sides = ipywidgets.HBox([question, answer])
    sides.add_class("sl-investigate")
    whole = Panel([sides])
    whole.add_class("sl-whole")
    return whole
