"""The timeline of what a search found: camera by local time, with the footage there was."""

from __future__ import annotations

import html
import math
import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from workbench.domain import (
    Camera,
    Candidate,
    Scope,
    Span,
    best_first,
    natural,
    numbered,
    scale_marks,
)
from workbench.errors import MapError
from workbench.maps.charts import (
    ACCENT,
    FONT,
    FOOTAGE,
    FOOTAGE_EDGE,
    GRID,
    INK,
    WARNING,
)
from workbench.maps.zones import local_time, zone_label, zone_of_cameras

if TYPE_CHECKING:
    import pandas as pd

# By the distance of ticks in milliseconds, up to a minute, a day, and beyond.
TICK_FORMATS = [
    {"dtickrange": [None, 59_999], "value": "%H:%M:%S\n%d %b %Y"},
    {"dtickrange": [60_000, 86_399_999], "value": "%H:%M\n%d %b %Y"},
    {"dtickrange": [86_400_000, None], "value": "%d %b\n%Y"},
]
MAX_ROWS = 60  # more cannot be told apart; cameras with candidates come first
OUT = "#9aa1ab"  # of those that were rejected
COVERAGE_COLUMNS = ("camera_id", "camera", "started_at", "ended_at")


def timeline(
    candidates: Sequence[Candidate] | None,
    *,
    zone: ZoneInfo | None = None,
    scope: Scope | None = None,
    coverage: pd.DataFrame | None = None,
    cameras: Sequence[Camera] = (),
    refused: pd.DataFrame | None = None,
    selected: str | None = None,
    rejected: Collection[str] = (),
    noun: str = "candidate",
) -> go.Figure:
    """Draw candidates by camera and local time over bars of footage.

    Where there is no bar there was no footage: no one could be seen there. Each mark's
    ``customdata`` is its tracklet_id, for linked selection.

    Parameters
    ----------
    candidates : sequence of Candidate, or None
        In any order; None before a search, for the footage alone. The higher the score, the
        larger the mark; the best ones are labelled.
    zone : ZoneInfo, optional
        Where times are local; by default that of the cameras.
    scope : Scope, optional
        The time axis shows its range; by default what there is.
    coverage : DataFrame, optional
        One row a recording: ``camera_id, camera`` (its name), ``started_at, ended_at``
        (time-zone-aware).
    cameras : sequence of Camera
        Each has a row, even without footage; it is then said to have none.
    refused : DataFrame, optional
        Recordings that could not be read, one a row: ``camera_id, file, started_at``
        (time-zone-aware) and the ``reason``. Each is marked where it begins.
    selected : str, optional
        The tracklet_id of a candidate to highlight.
    rejected : collection of str
        The tracklet_ids of those that an analyst took for somebody else, which are grey.
    noun : str
        What one of them is: ``sighting`` where all were confirmed.

    Raises
    ------
    MapError
        If *coverage* lacks one of its columns or holds times without a zone.
    """
    if zone is None:
        zone = zone_of_cameras([*(one.camera for one in candidates or ()), *cameras])
    names = _names(coverage)
    filmed = set(names)
    for camera in cameras:
        names.setdefault(camera.camera_id, camera.name or camera.camera_id)
    lost = _refused(refused)
    ranked = best_first(candidates or ())
    first: dict[str, datetime] = {}
    for candidate in ranked:
        names[candidate.camera.camera_id] = candidate.camera.name or candidate.camera.camera_id
        seen = first.get(candidate.camera.camera_id, candidate.first_seen)
        first[candidate.camera.camera_id] = min(seen, candidate.first_seen)
    # Cameras as the possible route meets them, then those without candidates, by name, and
    # last those without footage.
    order = sorted(first, key=first.__getitem__)
    order += sorted(
        names.keys() - first.keys(),
        key=lambda camera_id: (
            camera_id not in filmed,
            natural(names[camera_id]),
            natural(camera_id),
        ),
    )
    rows = {camera_id: row for row, camera_id in enumerate(order[:MAX_ROWS])}

    footage = _spans(coverage, rows)
    moments = [moment for c in ranked for moment in (c.first_seen, c.last_seen)]
    if coverage is not None and len(coverage):
        moments += [coverage["started_at"].min(), coverage["ended_at"].max()]
    moments += [moment for _, moment, _ in lost]
    span = (scope.start, scope.end) if scope else (min(moments), max(moments)) if moments else None
    axis = LocalAxis(zone, span)

    labels = [_label(names[key], bare=bool(cameras) and key not in filmed) for key in rows]
    figure = go.Figure(layout=_layout(axis, labels))
    figure.add_trace(_bars({row: footage.get(key, []) for key, row in rows.items()}, axis))
    figure.add_trace(
        _marks(
            [c for c in ranked if c.camera.camera_id in rows], rows, axis, selected, rejected, noun
        )
    )
    if lost:
        figure.add_trace(_crosses([one for one in lost if one[0] in rows], rows, axis))
    remarks = [f"No {noun}s"] if candidates is not None and not ranked else []
    if coverage is not None and not len(coverage):
        remarks.append("No footage: no one could be seen")
    if hidden := len(order) - len(rows):
        remarks.append(f"{hidden:,} more cameras not shown")
    _remark(figure, remarks)
    return figure


@dataclass(frozen=True)
class LocalAxis:
    """A time axis that clocks on the ground would show.

    Plotly knows no zones. So moments are placed by the offset at the start of the range, which
    keeps them in order and at their distances; where clocks change within the range, the ticks
    after the change are written as the changed clocks show them.
    """

    zone: ZoneInfo
    span: Span | None

    def place(self, moment: datetime) -> datetime:
        """Place *moment* on the axis, as the naive time that Plotly takes."""
        reference = self.span[0] if self.span else moment
        offset = reference.astimezone(self.zone).utcoffset() or timedelta()
        return (moment.astimezone(UTC) + offset).replace(tzinfo=None)

    @property
    def clocks(self) -> dict[str, timedelta | None]:
        """Name the clocks in the order in which they apply, with their offsets."""
        if not self.span:
            return {}
        start, end = self.span
        # Clocks stay as they are for weeks, so one look a day sees every change.
        days = [start + timedelta(days=day) for day in range((end - start).days + 1)]
        moments = [moment.astimezone(self.zone) for moment in (*days, end)]
        return {zone_label(moment, self.zone): moment.utcoffset() for moment in moments}

    def layout(self) -> dict[str, object]:
        """The settings of the axis, as Plotly takes them."""
        if not self.span:
            return {"visible": False}
        start, end = self.span
        margin = max((end - start) * 0.02, timedelta(seconds=5))
        clocks = self.clocks
        title = f"Local time, {self.zone.key} ({', '.join(clocks)})"
        axis: dict[str, object] = {
            "type": "date",
            "range": [self.place(start - margin), self.place(end + margin)],
            "title": {
                "text": html.escape(title, quote=False),
                "standoff": 12,
                "font": {"size": 13},
            },
            "tickformatstops": TICK_FORMATS,
            "gridcolor": GRID,
        }
        if len(set(clocks.values())) > 1:
            ticks = list(self._ticks(start, end))
            axis |= {
                "tickvals": [self.place(moment) for moment in ticks],
                "ticktext": self._tick_texts(ticks),
                "tickangle": 0,
            }
        return axis

    def _ticks(self, start: datetime, end: datetime) -> Iterable[datetime]:
        """About six moments, on the round minutes, hours or days of UTC."""
        minutes = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
        wanted = (end - start).total_seconds() / 60 / 6
        step = next((m for m in minutes if m >= wanted), 1440 * math.ceil(wanted / 1440)) * 60
        tick = math.ceil(start.timestamp() / step) * step
        while tick <= end.timestamp():
            yield datetime.fromtimestamp(tick, UTC)
            tick += step

    def _tick_texts(self, ticks: Sequence[datetime]) -> list[str]:
        """The time of each tick, with the clocks and the day where they are new."""
        texts, before = [], ("", "")
        days = len(ticks) > 1 and ticks[1] - ticks[0] >= timedelta(days=1)
        for moment in ticks:
            local = moment.astimezone(self.zone)
            told = (zone_label(moment, self.zone), f"{local:%d %b %Y}")
            new = [words for words, known in zip(told, before, strict=True) if words != known]
            clock = [] if days else [f"{local:%H:%M}"]
            texts.append("<br>".join([*clock, *new]).replace(f" {local:%Y}", f"<br>{local:%Y}"))
            before = told
        return texts


def _names(coverage: pd.DataFrame | None) -> dict[str, str]:
    """The names of cameras with footage, by camera_id."""
    if coverage is None:
        return {}
    missing = [column for column in COVERAGE_COLUMNS if column not in coverage]
    if missing:
        raise MapError(
            f"has no column {', '.join(missing)}",
            where="coverage",
            fix=f"Give it the columns {', '.join(COVERAGE_COLUMNS)}",
        )
    times = (coverage[column].dtype for column in ("started_at", "ended_at"))
    if len(coverage) and any(getattr(one, "tz", None) is None for one in times):
        raise MapError("holds times without a zone", where="coverage", fix="Keep them in UTC")
    each = coverage.drop_duplicates("camera_id", keep="last")
    pairs = zip(each["camera_id"], each["camera"], strict=True)
    return {camera_id: name or camera_id for camera_id, name in pairs}


def _spans(coverage: pd.DataFrame | None, rows: Collection[str]) -> dict[str, list[Span]]:
    """The spans of footage of the cameras that get a row, joined where they touch."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    if coverage is None:
        return spans
    # A city has millions of recordings, the figure a few rows.
    recordings = coverage[coverage["camera_id"].isin(list(rows))].sort_values("started_at")
    columns = (recordings[column] for column in ("camera_id", "started_at", "ended_at"))
    for camera_id, started_at, ended_at in zip(*columns, strict=True):
        here, start, end = spans[camera_id], started_at.to_pydatetime(), ended_at.to_pydatetime()
        if here and start <= here[-1][1] + timedelta(seconds=1):
            here[-1] = (here[-1][0], max(here[-1][1], end))
        else:
            here.append((start, end))
    return spans


def _refused(refused: pd.DataFrame | None) -> list[tuple[str, datetime, str]]:
    """List the recordings that could not be read: the camera, the start, and words."""
    if refused is None:
        return []
    columns = (refused[name] for name in ("camera_id", "started_at", "file", "reason"))
    return [
        (camera_id, started_at.to_pydatetime(), f"{_text(file)}<br>{_text(reason)}")
        for camera_id, started_at, file, reason in zip(*columns, strict=True)
    ]


def _crosses(
    lost: Sequence[tuple[str, datetime, str]], rows: dict[str, int], axis: LocalAxis
) -> go.Scatter:
    return go.Scatter(
        name="could not be read",
        mode="markers",
        x=[axis.place(moment) for _, moment, _ in lost],
        y=[rows[camera_id] for camera_id, _, _ in lost],
        marker={
            "symbol": "x",
            "size": 11,
            "color": WARNING,
            "line": {"color": "#ffffff", "width": 1},
        },
        hovertext=[
            f"Could not be read, {local_time(moment, axis.zone)}<br>{words}"
            for _, moment, words in lost
        ],
        hoverinfo="text",
        cliponaxis=False,
    )


def _label(name: str, *, bare: bool) -> str:
    return _text(name, limit=32) + (": no footage" if bare else "")


def _bars(footage: dict[int, list[Span]], axis: LocalAxis) -> go.Bar:
    bars = [(row, start, end) for row, spans in footage.items() for start, end in spans]
    return go.Bar(
        name="footage",
        orientation="h",
        y=[row for row, _, _ in bars],
        base=[axis.place(start) for _, start, _ in bars],
        x=[(end - start) / timedelta(milliseconds=1) for _, start, end in bars],
        width=0.62,
        marker={"color": FOOTAGE, "line": {"color": FOOTAGE_EDGE, "width": 1}},
        hovertext=[
            f"Footage from {local_time(start, axis.zone)}<br>to {local_time(end, axis.zone)}"
            for _, start, end in bars
        ],
        hoverinfo="text",
    )


def _marks(
    ranked: Sequence[Candidate],
    rows: dict[str, int],
    axis: LocalAxis,
    selected: str | None,
    rejected: Collection[str],
    noun: str,
) -> go.Scatter:
    lowest, highest = (ranked[-1].score, ranked[0].score) if ranked else (0.0, 0.0)
    spread = (highest - lowest) or 1.0
    marks = scale_marks(candidate.scale for candidate in ranked)
    if len(marks) > 1:
        spread = math.inf  # scores of several scales do not compare: marks are of one size
    chosen = [candidate.tracklet_id == selected for candidate in ranked]
    ids = [candidate.tracklet_id for candidate in ranked]
    places = {tracklet_id: f"rank {rank}" for rank, tracklet_id in enumerate(ids, 1)}
    if noun == "sighting":
        places = {one.tracklet_id: f"No. {number}" for number, one in numbered(ranked, ids)}
    return go.Scatter(
        name=noun,
        mode="markers+text",
        x=[axis.place(candidate.shot_time) for candidate in ranked],
        y=[rows[candidate.camera.camera_id] for candidate in ranked],
        text=[
            f"{candidate.score:.2f}{marks[candidate.scale]}" if rank <= 10 or is_chosen else ""
            for rank, (candidate, is_chosen) in enumerate(zip(ranked, chosen, strict=True), 1)
        ],
        textposition="top center",
        textfont={"size": 11, "color": INK},
        marker={
            "size": [
                10 + 8 * (candidate.score - lowest) / spread + 6 * is_chosen
                for candidate, is_chosen in zip(ranked, chosen, strict=True)
            ],
            "opacity": 1,
            "symbol": ["diamond" if is_chosen else "circle" for is_chosen in chosen],
            "color": [OUT if one.tracklet_id in rejected else ACCENT for one in ranked]
            if rejected
            else ACCENT,
            "line": {
                "color": [INK if is_chosen else "#ffffff" for is_chosen in chosen],
                "width": [2.5 if is_chosen else 1.2 for is_chosen in chosen],
            },
        },
        customdata=ids,
        hovertext=[
            _hover(places[candidate.tracklet_id], candidate, axis.zone, marks[candidate.scale])
            + "<br>marked “not same”" * (candidate.tracklet_id in rejected)
            for candidate in ranked
        ],
        hoverinfo="text",
        cliponaxis=False,
    )


def _hover(place: str, candidate: Candidate, zone: ZoneInfo, mark: str) -> str:
    note = candidate.time.remark(zone)
    return (
        f"<b>{_camera_text(candidate.camera)}</b><br>{local_time(candidate.shot_time, zone)}<br>"
        f"score {candidate.score:.3f}{mark}, {place}<br>{_text(candidate.recording)}"
        + "".join(f"<br>{_text(line)}" for line in textwrap.wrap(note, 70))
    )


def _camera_text(camera: Camera) -> str:
    named = camera.name and camera.name != camera.camera_id
    return _text(f"{camera.name} ({camera.camera_id})" if named else camera.camera_id)


def _text(words: str, *, limit: int = 80) -> str:
    """*words* as Plotly shows them unchanged: it reads some HTML in all its texts."""
    return html.escape(words if len(words) <= limit else f"{words[: limit - 1]}…", quote=False)


def _layout(axis: LocalAxis, cameras: Sequence[str]) -> go.Layout:
    return go.Layout(
        height=96 + 34 * max(len(cameras), 3),
        margin={"l": 12, "r": 24, "t": 34, "b": 12},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        font={"family": FONT, "size": 13, "color": INK},
        hoverlabel={"bgcolor": "#ffffff", "bordercolor": INK, "align": "left"},
        barmode="overlay",
        bargap=0.3,
        dragmode="pan",
        clickmode="event+select",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        xaxis=axis.layout(),
        yaxis={
            "tickvals": list(range(len(cameras))),
            "ticktext": list(cameras),
            "range": [len(cameras) - 0.35, -0.75],  # the first on top, with room for its label
            "gridcolor": GRID,
            "zeroline": False,
            "automargin": True,
            "ticklabeloverflow": "allow",  # there is room: measuring each label takes long
            "fixedrange": True,
            "visible": bool(cameras),
        },
    )


def _remark(figure: go.Figure, remarks: Sequence[str]) -> None:
    """Say above the plot what it leaves out or does not hold."""
    if remarks:
        figure.add_annotation(
            text=". ".join(remarks) + ".",
            showarrow=False,
            xref="paper",
            yref="paper",
            x=0,
            y=1,
            xanchor="left",
            yanchor="bottom",
        )
