"""The footage there is: coverage by camera and time, and what indexing could not see."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from traitlets import Bool, Instance, Unicode, link, observe

from workbench.casework.clocks import RecordedStretch, list_clocks
from workbench.domain import Camera, ClockSetting, length_words
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import local_time, zone_of_cameras
from workbench.widgets.components import controls
from workbench.widgets.components.clockmodel import Clocks
from workbench.widgets.components.clockpanel import ClockPanel
from workbench.widgets.components.header import PageHeader
from workbench.widgets.components.importmodel import ImportModel
from workbench.widgets.components.importpanel import ImportPanel
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    camera_name,
    count,
    escaped,
    heading,
    markup,
    message,
    panel,
    refusal,
    row,
    table,
)
from workbench.widgets.components.plot import Plot
from workbench.widgets.components.tasks import IDLE, Tasks
from workbench.widgets.components.work import Work, suitable_work

if TYPE_CHECKING:
    import pandas as pd
    from traitlets import Bunch

ROWS = 50  # of the table on a page
LOOK_AGAIN_SECONDS = 15.0
ALL_DAYS = "All days"
ALL_CAMERAS = "All cameras"


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Contents of a gallery at one moment, as :class:`workbench.gallery.Gallery` gives it."""

    cameras: tuple[Camera, ...]
    recordings: pd.DataFrame = field(repr=False)
    spans: pd.DataFrame = field(repr=False)
    problems: pd.DataFrame = field(repr=False)
    refusals: pd.DataFrame = field(repr=False)
    runs: pd.DataFrame = field(repr=False)
    clocks: tuple[RecordedStretch, ...]
    clock_settings: tuple[ClockSetting, ...]
    read_at: datetime  # UTC


class FootageReport(Tasks):
    """The footage of a gallery, as the page shows it: all of it, or one camera's.

    Parameters
    ----------
    gallery : Path
        Opened for each look and closed again, so that footage can be indexed meanwhile.
    zone : ZoneInfo, optional
        In which times are shown; by default that of the cameras' place.
    """

    footage = Instance(Footage, allow_none=True)
    camera_id = Unicode(help="show this camera alone, or all where it is empty")
    troubled = Bool(help="show recordings with problems alone")
    day = Unicode(help="show what began on this day there (2026-03-29) alone, or all where empty")
    following = Bool(help="read the gallery again at intervals")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self._zone = zone
        self._next: asyncio.TimerHandle | None = None

    def refresh(self) -> None:
        """Read the gallery again; if it cannot be read now, say so and keep what is shown."""

        def done(footage: Footage) -> None:
            self.footage = footage

        self.say("footage")
        self.do("footage", "Reading the gallery", self._read, done)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown."""
        return zone_of_cameras(self.footage.cameras if self.footage else (), override=self._zone)

    def rows(self) -> pd.DataFrame:
        """The recordings that the filters leave."""
        assert self.footage is not None
        rows = self.of_filters(self.footage.recordings)
        return rows[rows["problems"] > 0] if self.troubled else rows

    def of_camera(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the chosen camera."""
        return frame[frame["camera_id"] == self.camera_id] if self.camera_id else frame

    def of_filters(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the chosen camera that began on the chosen day."""
        rows = self.of_camera(frame)
        return rows[self._days(rows) == self.day] if self.day and len(rows) else rows

    @property
    def days(self) -> tuple[str, ...]:
        """The local days on which recordings began, as ``2026-03-29``, in order."""
        if self.footage is None:
            return ()
        frames = (self.footage.recordings, self.footage.refusals)
        return tuple(sorted({day for one in frames if len(one) for day in self._days(one)}))

    @property
    def cameras_shown(self) -> tuple[Camera, ...]:
        """The chosen camera, or all."""
        cameras = self.footage.cameras if self.footage else ()
        wanted = self.camera_id
        return tuple(one for one in cameras if not wanted or one.camera_id == wanted)

    def camera_words(self, camera_id: str) -> str:
        """The name and the id of a camera."""
        cameras = self.footage.cameras if self.footage else ()
        return next((camera_name(one) for one in cameras if one.camera_id == camera_id), camera_id)

    def _days(self, frame: pd.DataFrame) -> pd.Series:
        days: pd.Series = frame["started_at"].dt.tz_convert(self.zone.key).dt.strftime("%Y-%m-%d")
        return days

    @observe("following")
    def _follow(self, _: object = None) -> None:
        """Have the loop that runs look again every so often, as long as it is wanted."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self.following:
            loop = asyncio.get_running_loop()
            self._next = loop.call_later(LOOK_AGAIN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        if self.state == IDLE:
            self.refresh()
        self._follow()

    def _read(self) -> Footage:
        with self.installation.open_gallery(self.gallery) as opened:
            return Footage(
                cameras=opened.cameras(),
                recordings=opened.recordings(),
                spans=opened.footage(),
                problems=opened.problems(),
                refusals=opened.refusals(),
                runs=opened.runs(),
                clocks=list_clocks(opened),
                clock_settings=opened.clocks(),
                read_at=datetime.now(UTC),
            )


def footage(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import footage
    >>> footage("town.duckdb")                                          # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        settings = installation.settings
        path = Path(gallery_path) if gallery_path else settings.gallery_file
        report = FootageReport(
            path, installation=installation, zone=settings.zone, work=suitable_work()
        )
    except SightlineError as error:
        return refusal("There is no footage to show", error)
    report.refresh()
    clocks = Clocks(path, installation=installation, work=report.work)
    clocks.load()
    return FootagePage(report, clocks)


class FootagePage(Panel):
    """Coverage over the recordings, over what could not be read."""

    def __init__(self, report: FootageReport, clocks: Clocks) -> None:
        self.report = report
        self.summary = markup("", "sl-summary")
        self.camera = controls.Dropdown(
            options=[(ALL_CAMERAS, "")], description="Camera", layout={"width": "320px"}
        )
        self.troubled = controls.Checkbox(
            description="Only recordings with problems", indent=False, layout={"width": "auto"}
        )
        self.day = controls.Dropdown(
            options=[(ALL_DAYS, "")], description="Day", layout={"width": "240px"}
        )
        self.following = controls.Checkbox(
            description=f"Refresh every {LOOK_AGAIN_SECONDS:.0f} s",
            indent=False,
            layout={"width": "auto"},
        )
        self.plot = Plot(lambda _: None)
        self.page = 0
        self.previous = button("Previous", lambda: self._turn(-1), label="Previous page")
        self.next = button("Next", lambda: self._turn(1), label="Next page")
        self.where = markup()
        self.table, self.trouble, self.runs = markup(), markup(), markup()
        self.clocks = ClockPanel(clocks, zone=lambda: report.zone, camera_words=report.camera_words)
        top = panel(
            row(heading("Footage"), button("Refresh", report.refresh), self.following),
            message(report, "footage"),
            self.summary,
            row(self.camera, self.day, self.troubled),
        )
        self.body = [
            panel(
                heading("When there is footage"),
                markup(
                    '<p class="sl-hint">Bars are footage. Where there is none, no one can be '
                    "found; no footage does not mean not there. A cross is a recording that "
                    "could not be read.</p>"
                ),
                self.plot,
            ),
            panel(row(heading("Recordings"), self.previous, self.where, self.next), self.table),
            self.clocks,
            panel(heading("What could not be seen"), self.trouble),
            panel(heading("Runs of indexing"), self.runs),
        ]
        self.importing = ImportPanel(
            ImportModel(
                report.gallery,
                installation=report.installation,
                work=report.work,
            )
        )
        self.bringing_in = Foldable("List the footage of a folder that has no list", self.importing)
        self.bringing_in.children[0].observe(self._find_folders, "value")
        header = PageHeader(report.installation)
        super().__init__([top, *self.body, panel(self.bringing_in), header])
        self.add_class("sl-board")
        self.add_class("sl-footage")
        link((report, "camera_id"), (self.camera, "value"))
        link((report, "troubled"), (self.troubled, "value"))
        link((report, "day"), (self.day, "value"))
        link((report, "following"), (self.following, "value"))
        report.observe(self._renew, "footage")
        clocks.observe(self._corrected, "made")
        report.observe(self._draw, ["camera_id", "troubled", "day"])
        self._renew()

    def _find_folders(self, _: object = None) -> None:
        model = self.importing.model
        if not model.folders:
            model.find_folders()

    def _renew(self, _: object = None) -> None:
        shown = self.report.footage
        for part in self.body:
            part.layout.display = "" if shown else "none"
        if shown is None:
            return
        chosen, day = self.report.camera_id, self.report.day
        self.camera.options = [
            (ALL_CAMERAS, ""),
            *((camera_name(camera), camera.camera_id) for camera in shown.cameras),
        ]
        known = {camera.camera_id for camera in shown.cameras}
        self.camera.value = chosen if chosen in known else ""
        days = self.report.days
        self.day.options = [(ALL_DAYS, ""), *((one, one) for one in days)]
        self.day.value = day if day in days else ""
        self.summary.value = _summary(shown, self.report.zone)
        self.runs.value = _told_runs(shown.runs, self.report.zone)
        self._draw()

    def _corrected(self, change: Bunch) -> None:
        """Show the new times; the clocks' own panel keeps what was changed."""
        if change.new:
            self.report.refresh()

    def _draw(self, _: object = None) -> None:
        from workbench.maps.timeline import timeline

        report = self.report
        if report.footage is None:
            return
        self.page = 0
        problems = report.of_camera(report.footage.problems)
        refused = report.of_filters(report.footage.refusals)
        self.plot.draw(
            timeline(
                None,
                zone=report.zone,
                coverage=report.of_filters(report.footage.spans),
                cameras=report.cameras_shown,
                refused=refused,
            )
        )
        trouble = [*_refusals(refused, report), *_problems(problems, report)]
        self.trouble.value = table(_TROUBLE, trouble) or _nothing("problems")
        here = set(report.of_filters(report.footage.recordings)["recording_id"])
        self.clocks.show(
            [one for one in report.footage.clocks if one.recording_id in here],
            report.footage.clock_settings,
        )
        self._draw_table()

    def _draw_table(self) -> None:
        rows = self.report.rows()
        pages = max(1, math.ceil(len(rows) / ROWS))
        self.page = min(max(self.page, 0), pages - 1)
        here = rows.iloc[self.page * ROWS : (self.page + 1) * ROWS]
        self.previous.disabled, self.next.disabled = self.page == 0, self.page == pages - 1
        several = "" if pages > 1 else "none"
        self.previous.layout.display = self.next.layout.display = several
        self.where.value = (
            f'<span role="status" class="sl-hint">{count(len(rows), "recording")}'
            f"{f', page {self.page + 1} of {pages}' if pages > 1 else ''}</span>"
        )
        listed = _recordings(here, self.report)
        self.table.value = table(_RECORDINGS, listed) or _nothing("recordings")

    def _turn(self, by: int) -> None:
        self.page += by
        self._draw_table()


_RECORDINGS = (
    "Camera", "Recording", "Start", "Length", "Frames read / looked at", "Faces", "Tracklets",
    "Not searchable", "Problems", "Read until",
)  # fmt: skip
_TROUBLE = ("Camera", "Recording", "At", "What")
_RUNS = ("Began", "Took", "Catalogue", "Indexed", "Could not be read", "Not done")


def _summary(shown: Footage, zone: ZoneInfo) -> str:
    rows = shown.recordings
    with_footage = rows["camera_id"].nunique()
    tracks, unsearchable = int(rows["tracklets"].sum()), int(rows["unsearchable"].sum())
    lines = [
        f"{count(len(rows), 'recording')}, {length_words(round(rows['seconds'].sum()))} of "
        "footage, from "
        f"{with_footage:,} of {count(len(shown.cameras), 'camera')}.",
        f"{count(tracks, 'tracklet')}, {unsearchable:,} of them seen but not good enough to "
        "be searched.",
    ]
    if len(shown.refusals):
        lines.append(
            f"{count(len(shown.refusals), 'recording')} could not be read: people who "
            "passed there cannot be found."
        )
    lines.append(f"As of {local_time(shown.read_at, zone)}.")
    return f'<div role="status">{"".join(f"<p>{escaped(line)}</p>" for line in lines)}</div>'


def _recordings(rows: pd.DataFrame, report: FootageReport) -> Iterator[tuple[str, ...]]:
    for one in _each(rows):
        yield (
            report.camera_words(one["camera_id"]),
            one["file"],
            local_time(one["started_at"], report.zone),
            length_words(round(one["seconds"])),
            f"{_number(one['frames_decoded'])} / {_number(one['frames_examined'])}",
            _number(one["faces"]),
            _number(one["tracklets"]),
            _number(one["unsearchable"]),
            _flagged(one["problems"]),
            one["stopped"],
        )


def _refusals(rows: pd.DataFrame, report: FootageReport) -> Iterator[tuple[str, ...]]:
    for one in _each(rows):
        at, camera = local_time(one["started_at"], report.zone), one["camera_id"]
        what = f"⚠ not indexed: {one['reason']}"
        if one["offset_seconds"]:
            what += f" (recorded as {local_time(one['stated_at'], report.zone)})"
        yield report.camera_words(camera), one["file"], at, what


def _problems(rows: pd.DataFrame, report: FootageReport) -> Iterator[tuple[str, ...]]:
    for one in _each(rows):
        at = "" if math.isnan(one["at_seconds"]) else f"{one['at_seconds']:.1f} s into it"
        yield report.camera_words(one["camera_id"]), one["file"], at, one["what"]


def _told_runs(rows: pd.DataFrame, zone: ZoneInfo) -> str:
    """Write runs of indexing as HTML; those that met nothing new are only counted."""
    idle = rows[["indexed", "refused", "left"]].sum(axis=1) == 0
    told = table(_RUNS, _runs(rows[~idle], zone))
    if number := int(idle.sum()):
        last = local_time(rows["started_at"][idle].max(), zone)
        told += f'<p class="sl-hint">{count(number, "run")} met nothing new, the last {last}.</p>'
    return told or _nothing("runs")


def _runs(rows: pd.DataFrame, zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    for one in _each(rows):
        took = (one["ended_at"] - one["started_at"]).total_seconds()
        yield (
            local_time(one["started_at"], zone),
            length_words(round(took)),
            one["source"],
            _number(one["indexed"]),
            _number(one["refused"]),
            _number(one["left"]),
        )


def _each(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in one.items()} for one in frame.to_dict("records")]


def _number(value: int) -> str:
    return f"{value:,}"


def _flagged(problems: int) -> str:
    return f"⚠ {problems:,}" if problems else "none"


def _nothing(what: str) -> str:
    return f'<p class="sl-hint">No {escaped(what)}.</p>'
