"""Indexing from a notebook: choose a catalogue, start, watch, stop, go on."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import ipywidgets
from traitlets import Bool, Instance, Int, Unicode

from workbench.cluster.connection import connected
from workbench.domain import Progress, length_words
from workbench.errors import Cancelled, SightlineError
from workbench.faces import imported
from workbench.faces.profiles import NAMED
from workbench.footage.catalog import read_catalogue
from workbench.indexing import IndexReport, Plan, index_catalogue, plan_catalogue
from workbench.indexing.workers import available_cores
from workbench.installation import Installation
from workbench.widgets.components import controls
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    refusal,
    row,
)
from workbench.widgets.components.tasks import IDLE, LOADING, Tasks
from workbench.widgets.components.work import Work, suitable_work


class Indexing(Tasks):
    """A run of indexing: what to index and into which gallery, how far it is, what came of it.

    What a run has finished is kept when it is stopped; the next one goes on with what is missing.

    Parameters
    ----------
    gallery : Path
        Made at the first run, with the profile chosen then.
    """

    catalogue = Unicode(help="the folder of the catalogue")
    profile = Unicode(help="name of the model profile of a new gallery")
    workers = Int(1, help="processes that read recordings, on this machine")
    on_cluster = Bool(help="recordings are read on the nodes of the cluster of the settings")
    plan = Instance(Plan, allow_none=True, help="what a run would do")
    report = Instance(IndexReport, allow_none=True, help="of the latest run that was not stopped")
    caution = Unicode(help="what to know of the profile of that run; empty where nothing")
    stopped = Unicode(help="what to know of a run that was stopped; empty where none was")

    def __init__(
        self, gallery: Path, *, installation: Installation, work: Work | None = None
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self.profile = installation.settings.profile
        self.on_cluster = self.cluster is not None

    @property
    def cluster(self) -> str | None:
        """Address of the cluster that the settings name; None if they name none."""
        return self.installation.settings.ray

    def look(self) -> None:
        """Plan a run without doing it."""

        def job() -> Plan:
            catalogue = self._catalogue()
            if not self.gallery.exists():
                return plan_catalogue(catalogue, None)
            with self.installation.open_gallery(self.gallery) as gallery:
                return plan_catalogue(catalogue, gallery)

        def done(plan: Plan) -> None:
            self.plan = plan

        self._begin("Reading the catalogue", job, done)

    def start(self) -> None:
        """Index what the gallery does not hold yet."""
        ray, name = self.cluster if self.on_cluster else None, self.profile
        workers = self.workers if ray is None else None  # as many as nodes have room for

        def job() -> tuple[IndexReport, str]:
            # First of all: nothing is made for a catalogue that cannot be used.
            catalogue = read_catalogue(self._catalogue())
            with contextlib.ExitStack() as stack:
                if ray is not None:
                    stack.enter_context(connected(ray))
                models = self.installation.load_models(name)
                gallery = stack.enter_context(
                    self.installation.gallery_for_writing(self.gallery, models.profile)
                )
                report = index_catalogue(
                    catalogue,
                    gallery,
                    models,
                    workers=workers,
                    ray=ray,
                    normaliser=self.installation.normaliser(models.profile),
                    progress=self.on_progress(),
                )
                self.installation.prepare_scores(gallery)
            return report, models.caution

        def done(found: tuple[IndexReport, str]) -> None:
            self.caution, self.report = found[1], found[0]  # the report shows both

        self._begin("Indexing", job, done)

    def stop(self) -> None:
        """Stop the run; what it has finished is kept."""
        self._stop.set()

    def _begin(self, doing: str, job: Any, done: Any) -> None:
        if self.state != IDLE:
            return
        self.say("indexing")
        self.plan = self.progress = self.report = None
        self.stopped = self.caution = ""

        def to_its_end_or_stop() -> Any:
            try:
                return job()
            except Cancelled as stop:  # as was wished: no error
                return stop

        def then(outcome: Any) -> None:
            if isinstance(outcome, Cancelled):
                self.stopped = "Stopped. Finished recordings are kept; start again to continue"
            else:
                done(outcome)

        self.do("indexing", doing, to_its_end_or_stop, then, state=LOADING)

    def _catalogue(self) -> Path:
        return Path(self.catalogue.strip()).expanduser()


def indexing(
    gallery_path: Path | str | None = None,
    catalogue: Path | str = "",
    *,
    installation: Installation | None = None,
) -> Any:
    """The panel, as a widget to display in a notebook.

    >>> from workbench.widgets import indexing
    >>> indexing("town.duckdb", "footage/town")                         # doctest: +SKIP
    """
    installation = installation or Installation.open()
    try:
        installation.register.me.require_role()
    except SightlineError as error:
        return refusal("Nothing can be indexed", error)
    path = Path(gallery_path or installation.settings.gallery_file)
    model = Indexing(path, installation=installation, work=suitable_work())
    model.catalogue = str(catalogue)
    return IndexingPanel(model)


class IndexingPanel(Panel):
    """The fields of a run, its progress with an estimate, and its report."""

    def __init__(self, model: Indexing) -> None:
        self.model = model
        wide = {"style": {"description_width": "90px"}, "layout": {"width": "480px"}}
        self.folder = controls.Text(
            description="Catalogue", placeholder="folder with cameras.csv and footage.csv", **wide
        )
        self.profile = controls.Combobox(
            options=sorted({*NAMED, *imported.names(model.installation.settings.models)}),
            description="Profile",
            **wide,
        )
        self.workers = controls.BoundedIntText(
            min=1, max=max(64, available_cores()), description="Processes", **wide
        )
        model.workers = available_cores()
        where = "" if model.cluster in (None, "auto") else f" at {model.cluster}"
        self.on_cluster = controls.Checkbox(
            description=f"Read on the nodes of the cluster{where}",
            indent=False,
            layout={"width": "480px"},
        )
        self.look = button("Preview", model.look)
        self.start = button("Start", model.start, style="primary")
        self.stop = button("Stop", model.stop, label="Stop; finished recordings are kept")
        self.bar = controls.FloatProgress(min=0, max=1, layout={"width": "480px"})
        self.words, self.outcome = markup(), markup()
        super().__init__(
            [
                heading("Index footage"),
                markup(f'<p class="sl-hint">Gallery: {escaped(model.gallery)}</p>'),
                self.folder,
                self.profile,
                self.on_cluster,
                self.workers,
                row(self.look, self.start, self.stop),
                message(model, "indexing"),
                self.bar,
                self.words,
                self.outcome,
            ]
        )
        self.add_class("sl-panel")
        for field, name in (
            (self.folder, "catalogue"),
            (self.profile, "profile"),
            (self.workers, "workers"),
            (self.on_cluster, "on_cluster"),
        ):
            ipywidgets.link((model, name), (field, "value"))
        model.observe(self._draw)
        self._draw()

    def _draw(self, _: object = None) -> None:
        model = self.model
        busy = model.state != IDLE
        self.look.disabled = self.start.disabled = busy or not model.catalogue.strip()
        self.stop.disabled = not busy
        self.on_cluster.layout.display = "" if model.cluster else "none"
        self.workers.layout.display = "none" if model.on_cluster else ""
        self.bar.layout.display = "" if busy else "none"
        how_far = model.progress
        self.bar.value = how_far.fraction if how_far else 0.0
        words = progress_words(how_far) if how_far else f"{model.doing}…" if busy else ""
        self.words.value = f'<p role="status" class="sl-hint">{escaped(words)}</p>'
        self.outcome.value = _outcome(model)


def progress_words(progress: Progress) -> str:
    """``3 of 24 recordings, 9.5 hours of footage per hour, 41 faces, about 2 min left``."""
    words = [
        f"{progress.done:,} of {count(progress.total, 'recording')}",
        f"{progress.pace:.1f} hours of footage per hour",
        count(progress.faces, "face"),
    ]
    if progress.remaining_seconds is not None and progress.done < progress.total:
        words.append(f"about {length_words(round(progress.remaining_seconds))} left")
    return ", ".join(words)


def _outcome(model: Indexing) -> str:
    if model.stopped:
        return f'<div role="status"><p>{escaped(model.stopped)}.</p></div>'
    unplaced = ""
    if model.plan is not None:
        problems = model.plan.problems
        first = str(model.plan)
    elif model.report is not None:
        problems = model.report.problems
        done = model.report
        first = (
            f"{count(done.count('indexed'), 'recording')} indexed, {done.count('present'):,} "
            f"already indexed, {done.count('refused'):,} could not be read"
        )
        if words := done.unplaced_words():
            unplaced = f"<p>{escaped(words)}</p>"
    else:
        return ""
    lines = "".join(f"<li>{escaped(one.where)}: {escaped(one.what)}</li>" for one in problems)
    caution = f"<p>{escaped(model.caution)}</p>" if model.caution else ""
    listed = f"<p>{count(len(problems), 'problem')}:</p><ul>{lines}</ul>" if problems else ""
    return f'<div role="status"><p>{escaped(first)}.</p>{unplaced}{caution}{listed}</div>'
