"""One investigation as an analyst sees it: the question, the answer, and what went wrong.

Everything that the panels show is a trait of :class:`Investigation`, and everything that they do is
one of its methods; so it can be used, and tested, without a kernel and without a browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from traitlets import Bool, Float, Instance, Tuple, Unicode, observe

from workbench import district as districts
from workbench.domain import Camera, Candidate, District, Photograph, Scope, Threshold
from workbench.errors import DistrictError, ImageError, SightlineError, TimeError
from workbench.investigation import SearchResult
from workbench.settings import settings
from workbench.widgets.clocks import Fold, moment, wall_clock
from workbench.widgets.tasks import SEARCHING, Tasks
from workbench.widgets.work import Work

if TYPE_CHECKING:
    import pandas as pd

    from workbench.casework.cases import Case
    from workbench.faces.models import Models
    from workbench.faces.probes import FoundFaces

MOST_PHOTOGRAPHS = 5
TRAINING = "TRAINING"
TRAINING_MARGIN = 0.1  # degrees: whoever trains may draw beyond the last camera
# A page can show so many; the summary says where there were more.
MOST_CANDIDATES = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A photograph as it was added: the faces in it, and the one chosen as the target's."""

    key: str
    found: FoundFaces
    chosen: int | None = None
    photograph: Photograph | None = None  # None as long as no face is chosen


class Investigation(Tasks):
    """The question that is being asked of a gallery, and its answer.

    >>> asked = Investigation(Path("town.duckdb"))                      # doctest: +SKIP
    >>> asked.add_photograph("anna.jpg", Path("anna.jpg").read_bytes()) # doctest: +SKIP
    >>> asked.set_district(asked.whole_area())                          # doctest: +SKIP
    >>> asked.case = "A-2026-117"                                       # doctest: +SKIP
    >>> asked.search()                                                  # doctest: +SKIP
    >>> asked.shown[0].camera.name                                      # doctest: +SKIP

    What is wrong with the question is told in ``messages``, under ``target``, ``district``,
    ``time``, ``case`` or ``search``.

    Parameters
    ----------
    gallery : Path
        The gallery to ask. It is opened for each use and closed again, so that footage can be
        indexed while the page is open.
    zone : ZoneInfo, optional
        In which local times are meant; by default that of the cameras' place.
    work : Work, optional
        Where long work is done; by default at once and in place.

    Raises
    ------
    GalleryError
        If there is no gallery, or it cannot be read.
    """

    uploads = Tuple(help="the photographs of the target, each an Upload")
    district = Instance(District, allow_none=True)
    start = Instance(datetime, allow_none=True, help="UTC")
    end = Instance(datetime, allow_none=True, help="UTC")
    case = Unicode(help="reference of the case the question is asked under; empty for none")
    cases = Tuple(help="the cases that are open now, each a Case")
    listed = Unicode(help="what became of putting candidates on the review list")

    threshold = Float(help="candidates with at least this score are shown")
    result = Instance(SearchResult, allow_none=True)
    outdated = Bool(help="the question has changed since the result was found")
    selected = Unicode(help="the tracklet_id of the candidate that is pointed out, or nothing")

    def __init__(
        self, gallery: Path, *, zone: ZoneInfo | None = None, work: Work | None = None
    ) -> None:
        from workbench.faces.profiles import default_threshold
        from workbench.gallery import Gallery

        super().__init__(work)
        self.gallery = gallery
        with Gallery.open(gallery) as opened:
            self.profile = opened.profile
            self.cameras: tuple[Camera, ...] = opened.cameras()
            self.footage: pd.DataFrame = opened.footage()
            self.span: tuple[datetime, datetime] | None = opened.time_span()
        self.zone = zone or _zone_of(self.cameras)
        self.recommended: Threshold = default_threshold(self.profile)
        self.threshold = self.recommended.score
        self._number = 0
        self._asked: object = None
        self._viewed: set[str] = set()  # whose best shots were shown since the search
        self.set_all_footage()
        self.refresh_cases()

    # --- Target ---------------------------------------------------------------------------

    def load_models(self) -> None:
        """Load the networks ahead of the first photograph."""
        self.do("target", "Loading the face models", self._models, lambda _: None)

    def add_photograph(self, name: str, content: bytes) -> None:
        """Look for faces in a photograph (any format Pillow knows) and add it to the target."""
        self.add_photographs([(name, content)])

    def add_photographs(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Add several, each by name and content; those that cannot be used are reported."""
        self.say("target")
        for name, content in files:
            self._number += 1
            self._add(str(self._number), name, content)

    def _add(self, key: str, name: str, content: bytes) -> None:
        def job() -> Upload:
            from workbench.faces.probes import find_faces

            models = self._models()
            upload = Upload(key, find_faces(content, name=name, models=models))
            return _choose(upload, 0, models) if len(upload.found.faces) == 1 else upload

        def done(upload: Upload) -> None:
            if len(self.uploads) >= MOST_PHOTOGRAPHS:
                raise ImageError(
                    f"was not added; there are {MOST_PHOTOGRAPHS} photographs already",
                    where=name,
                    fix="Remove one first",
                )
            self.uploads = (*self.uploads, upload)

        self.do("target", f"Looking for faces in {name}", job, done)

    def choose_face(self, key: str, index: int) -> None:
        """Take face number *index* (from 0, largest first) of a photograph as the target's."""
        upload = next(upload for upload in self.uploads if upload.key == key)

        def done(chosen: Upload) -> None:
            self.uploads = tuple(chosen if u.key == key else u for u in self.uploads)

        self.say("target")
        self.do(
            "target",
            f"Reading face {index + 1} of {upload.found.name}",
            lambda: _choose(upload, index, self._models()),
            done,
        )

    def remove_photograph(self, key: str) -> None:
        """Take a photograph back."""
        self.say("target")
        self.uploads = tuple(upload for upload in self.uploads if upload.key != key)

    # --- District -------------------------------------------------------------------------

    def set_district_geojson(self, document: str | Mapping[str, Any], *, name: str = "") -> bool:
        """Take the polygons of a GeoJSON document as the district, and tell whether they are one.

        See :mod:`workbench.district`. Where they are none, the district stays what it was.
        """
        try:
            self.set_district(districts.from_geojson(document, name=name))
        except DistrictError as error:
            self.say("district", str(error))
            return False
        return True

    def set_district(self, district: District | None) -> None:
        """Take a district, or none."""
        self.say("district")
        self.district = district

    def whole_area(self, *, margin: float = 0.001) -> District:
        """A rectangle around all cameras, with a margin in degrees, by default about 100 m."""
        import shapely

        # A single camera has no area of its own.
        places = [shapely.Point(c.longitude, c.latitude) for c in self.cameras]
        area = shapely.envelope(shapely.union_all(places).buffer(margin))
        return districts.from_shapes([area], name="All cameras")

    @property
    def cameras_inside(self) -> tuple[Camera, ...]:
        """The cameras in the district, border included."""
        import shapely

        if self.district is None:
            return ()
        inside = shapely.intersects_xy(
            self.district.area,
            [camera.longitude for camera in self.cameras],
            [camera.latitude for camera in self.cameras],
        )
        return tuple(camera for camera, within in zip(self.cameras, inside, strict=True) if within)

    # --- Time -----------------------------------------------------------------------------

    def set_time(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        start_fold: Fold = None,
        end_fold: Fold = None,
    ) -> None:
        """Take a range of local times, as clocks in the zone show them (naive).

        A fold says which of the two moments is meant where clocks showed a time twice.
        """
        self.start = self.end = None
        try:
            if start is None or end is None:
                raise TimeError(
                    "the start and the end each need a date and a time",
                    where="Time range",
                    fix="Fill in all four fields",
                )
            begin = moment(start, self.zone, start_fold, where="Start")
            finish = moment(end, self.zone, end_fold, where="End")
            if finish <= begin:
                raise TimeError(
                    "the end is not after the start",
                    where="Time range",
                    fix="Choose an end after the start",
                )
        except TimeError as error:
            self.say("time", str(error))
        else:
            self._set_moments(begin, finish)

    def set_all_footage(self) -> None:
        """Take the whole time in which there is footage, to full minutes."""
        if self.span:
            first, last = self.span
            self._set_moments(_minute(first), _minute(last) + timedelta(minutes=1))

    def set_last(self, duration: timedelta) -> None:
        """Take so much of the time before the footage ends."""
        if self.span:
            end = _minute(self.span[1]) + timedelta(minutes=1)
            self._set_moments(end - duration, end)

    @property
    def local_range(self) -> tuple[tuple[datetime, Fold], tuple[datetime, Fold]] | None:
        """Start and end as clocks in the zone show them, each with its fold."""
        if self.start is None or self.end is None:
            return None
        return wall_clock(self.start, self.zone), wall_clock(self.end, self.zone)

    def footage_seconds(self) -> dict[str, float]:
        """By camera_id how much footage of the district's cameras lies in the time range."""
        if self.start is None or self.end is None:
            return {}
        inside = {camera.camera_id for camera in self.cameras_inside}
        rows = self.footage[self.footage["camera_id"].isin(inside)]
        seconds: dict[str, float] = {}
        for camera_id, started_at, ended_at in zip(
            rows["camera_id"], rows["started_at"], rows["ended_at"], strict=True
        ):
            within = (min(ended_at, self.end) - max(started_at, self.start)).total_seconds()
            if within > 0:
                seconds[camera_id] = seconds.get(camera_id, 0.0) + within
        return seconds

    # --- Case -----------------------------------------------------------------------------

    def refresh_cases(self) -> None:
        """Look again which cases are open; one that is alone, or named in the settings, is taken.

        Raises what :func:`workbench.casework.register.here` raises.
        """
        from workbench.casework.register import here

        cases = tuple(case for case in here().cases() if case.status() == "open")
        known = [case.reference for case in cases]
        wanted: str | None = self.case or settings().case
        if wanted not in known:
            wanted = known[0] if len(known) == 1 else ""
        with self.hold_trait_notifications():
            self.cases, self.case = cases, wanted or ""

    @property
    def chosen_case(self) -> Case | None:
        """The case the question is asked under."""
        return next((case for case in self.cases if case.reference == self.case), None)

    def take_case_scope(self) -> None:
        """Ask about all that the case allows."""
        if case := self.chosen_case:
            self.set_district(case.request.district)
            self._set_moments(case.request.start, case.request.end)

    def view(self, candidates: Sequence[Candidate]) -> None:
        """Record that these candidates' best shots are shown, each once a search."""
        from workbench.casework.register import here
        from workbench.casework.review import record_view

        fresh = [c.tracklet_id for c in candidates if c.tracklet_id not in self._viewed]
        if self.result is None or not fresh:
            return
        self._viewed.update(fresh)
        try:
            record_view(here(), self.result.case, fresh)
        except SightlineError as error:
            self.say("search", str(error))

    def list_for_review(self) -> None:
        """Put the candidates that are shown on the review list of their case."""
        from workbench.casework.register import here
        from workbench.casework.review import list_for_review

        self.say("case")
        if self.result is None or not self.shown:
            self.say("case", "Search first: there are no candidates to review.")
            return
        try:
            added = list_for_review(here(), self.result.case, self.shown, probe=self.result.probe)
        except SightlineError as error:
            self.say("case", str(error))
            return
        self.listed = (
            f"{added} candidates are on the review list of {self.result.case}."
            if added
            else "All of them are on the review list already."
        )

    def train(self) -> None:
        """Open a training case over all this gallery's cameras and footage, and take it."""
        from workbench.casework.register import here

        self.say("case")
        try:
            start, end = self.span or (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
            day = timedelta(days=1)
            scope = Scope(self.whole_area(margin=TRAINING_MARGIN), start - day, end + day)
            here().train(TRAINING, scope)
            self.refresh_cases()
            self.case = TRAINING
        except SightlineError as error:
            self.say("case", str(error))

    # --- Search ---------------------------------------------------------------------------

    def search(self) -> None:
        """Ask the question; where it is not complete, say beside each field what it lacks."""
        if self.state == SEARCHING:
            return
        self.say("search")
        photographs, scope, case = self._photographs(), self._scope(), self.case
        self.say("case", "" if case else "Choose the case under which you ask.")
        if not photographs or scope is None or not case:
            return
        question = self._question()

        def job() -> SearchResult:
            from workbench.faces.probes import pool_photographs
            from workbench.gallery import Gallery
            from workbench.investigation import search

            probe = pool_photographs(photographs, self._models())
            with Gallery.open(self.gallery) as gallery:
                return search(gallery, probe, scope, case=case, top=MOST_CANDIDATES)

        def done(result: SearchResult) -> None:
            self._asked = question
            self.selected = self.listed = ""
            self._viewed = set()
            self.result = result
            self._compare()

        count = len(self.cameras_inside)
        self.do("search", f"Searching {count:,} cameras", job, done, state=SEARCHING)

    @property
    def shown(self) -> tuple[Candidate, ...]:
        """The candidates that reach the threshold, best first."""
        found = self.result.candidates if self.result else ()
        return tuple(candidate for candidate in found if candidate.score >= self.threshold)

    @property
    def cut(self) -> bool:
        """Whether there may be more candidates than the result holds."""
        return self.result is not None and len(self.result.candidates) == MOST_CANDIDATES

    @property
    def missing(self) -> tuple[str, ...]:
        """What the question still lacks."""
        lacks = {
            "a photograph": not self.uploads,
            "a chosen face": any(upload.photograph is None for upload in self.uploads),
            "a district": self.district is None,
            "a time range": self.start is None,
            "a case": not self.case,
        }
        return tuple(what for what, is_missing in lacks.items() if is_missing)

    # --- Within ---------------------------------------------------------------------------

    def _photographs(self) -> Sequence[Photograph]:
        chosen = [upload.photograph for upload in self.uploads if upload.photograph]
        unclear = [upload.found for upload in self.uploads if upload.photograph is None]
        if unclear:
            self.say("target", f"{unclear[0].name}: choose the target among its faces.")
        elif not chosen:
            self.say("target", "Add a photograph of the target.")
        return [] if unclear else chosen

    def _scope(self) -> Scope | None:
        if self.district is None:
            if "district" not in self.messages:
                self.say("district", "Draw the district on the map, or choose one by name.")
        elif not self.cameras_inside:
            self.say("district", "There is no camera in this district. Draw it around some.")
        if self.start is None or self.end is None:
            if "time" not in self.messages:
                self.say("time", "Choose from when to when.")
            return None
        if self.district is None or not self.cameras_inside:
            return None
        return Scope(self.district, self.start, self.end)

    def _set_moments(self, start: datetime, end: datetime) -> None:
        self.say("time")
        with self.hold_trait_notifications():
            self.start, self.end = start, end

    def _question(self) -> object:
        photographs = [(upload.key, upload.chosen) for upload in self.uploads]
        area = self.district and self.district.area.wkb
        return photographs, area, self.start, self.end, self.case

    @observe("uploads", "district", "start", "end", "case")
    def _compare(self, _: object = None) -> None:
        self.outdated = self.result is not None and self._question() != self._asked

    def _models(self) -> Models:
        from workbench.faces.models import load

        return load(self.profile)


def _choose(upload: Upload, index: int, models: Models) -> Upload:
    from workbench.faces.probes import make_photograph

    photograph = make_photograph(upload.found, index, models=models)
    return replace(upload, chosen=index, photograph=photograph)


def _zone_of(cameras: Sequence[Camera]) -> ZoneInfo:
    from workbench.maps.zones import UTC_ZONE, local_zone

    return local_zone(cameras[0].longitude, cameras[0].latitude) if cameras else UTC_ZONE


def _minute(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(second=0, microsecond=0)
