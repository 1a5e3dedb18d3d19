"""Results of searches with their faces, map and timeline: what a notebook wants to see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workbench import investigation
from workbench.casework.reviewing.exports import exportable, facts_of, record_export
from workbench.casework.reviewing.triage import may_look
from workbench.errors import NotPermitted
from workbench.maps.zones import local_time, zone_of_cameras

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.domain import Camera, Candidate, Scope
    from workbench.installation import Installation
    from workbench.live.view import LiveFaces, LiveMap, ShownFace

MOST_FACES = 50


class Findings:
    """Candidates that can be looked at: as faces, on a map, on a timeline.

    Whoever has them says how pictures are had (:meth:`_pictures`) and where it is.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # what it is mixed into has them
        candidates: tuple[Candidate, ...]
        scope: Scope
        cameras: tuple[Camera, ...]
        training: bool
        notices: tuple[str, ...]

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the cameras, in which faces, map and timeline give times."""
        return zone_of_cameras(self.cameras)

    def faces(self, most: int = MOST_FACES) -> LiveFaces:
        """Show the best shots, best first, beside the photographs of the target.

        They are shown while the notebook runs, and are not saved with it.

        Parameters
        ----------
        most : int
            Show at most this many.
        """
        from workbench.live.view import LiveFaces, ShownFace

        chosen, zone = self.candidates[:most], self.zone

        def faces() -> list[ShownFace]:
            pictures = self._pictures(chosen)
            return [
                ShownFace(
                    pictures[one.tracklet_id],
                    f"{rank}. score {one.score:.3f}",
                    (
                        one.camera.name or one.camera.camera_id,
                        local_time(one.shot_time, zone),
                        *filter(None, (one.time.remark(zone),)),
                    ),
                )
                for rank, one in enumerate(chosen, start=1)
            ]

        count = _counted(len(chosen))
        if len(chosen) < len(self.candidates):
            count = f"The best {len(chosen):,} of {len(self.candidates):,} candidates"
        return LiveFaces(
            _sentence(count), photographs=self._photographs, faces=faces, notices=self.notices
        )

    def map(self, **options: Any) -> LiveMap:
        """Show the candidates where their cameras stand, with a possible route.

        It is shown while the notebook runs, and is not saved with it; its ``save`` writes a file.

        Parameters
        ----------
        options
            Those of :func:`workbench.maps.sightings.sightings_map`, such as ``route=False``. Zone,
            district, cameras and streets are those of the search.

        Raises
        ------
        MapError
            If the streets or the tile server of the settings cannot be used.
        """
        from workbench.live.view import LiveMap
        from workbench.maps.sightings import sightings_map

        drawn = sightings_map(self.candidates, **{**self._about(), "pictures": False, **options})

        def pictures_of(ids: Sequence[str]) -> Mapping[str, bytes]:
            return self._pictures([one for one in self.candidates if one.tracklet_id in ids])

        return LiveMap(
            _sentence(f"Map of {_counted(len(self.candidates)).lower()}"),
            drawn,
            pictures_of=pictures_of,
            save=lambda path: self._save_map(path, **options),
            check=self._check,
        )

    def timeline(self, *, selected: str | None = None) -> go.Figure:
        """Draw the candidates by camera and local time, above the footage there is.

        Parameters
        ----------
        selected : str, optional
            The tracklet_id of a candidate to highlight.
        """
        from workbench.maps.timeline import timeline

        figure = timeline(
            self.candidates,
            zone=self.zone,
            scope=self.scope,
            coverage=self._footage(),
            cameras=self.cameras,
            selected=selected,
        )
        figure.update_layout(
            title={"text": f"{_counted(len(self.candidates))} and the footage there is"},
            margin={"t": 64},
        )
        return figure

    def _about(self) -> dict[str, Any]:
        """What a map shows besides candidates."""
        return {
            "cameras": self.cameras,
            "district": self.scope.district,
            "zone": self.zone,
            "notices": self.notices,
        }

    def _photographs(self) -> Sequence[ShownFace]:
        return ()

    def _footage(self) -> pd.DataFrame | None:
        return None

    def _check(self) -> None:
        """Raise where nothing of it may be shown any more."""

    def _pictures(self, candidates: Sequence[Candidate]) -> Mapping[str, bytes]:
        """The best shots of candidates, JPEGs by tracklet_id."""
        raise NotImplementedError

    def _save_map(self, path: Path, **_: Any) -> None:
        raise NotPermitted(
            f"the map {path} is not written here",
            where="map",
            fix="Save it on the server's page Investigate, where that is on record",
        )


@dataclass(frozen=True, slots=True, repr=False)
class SearchResult(Findings, investigation.SearchResult):
    """Result of one search, with everything needed to interpret it, and to look at it.

    >>> result = sl.search(gallery, probe, scope, case="A-2026-117")        # doctest: +SKIP
    >>> result.faces()                                                      # doctest: +SKIP

    ``candidates`` are sorted by score, best first, and reach ``threshold.score``;
    :class:`workbench.investigation.SearchResult` describes the rest.
    """

    installation: Installation = field(kw_only=True, compare=False)
    gallery: Path = field(kw_only=True)

    @classmethod
    def of(
        cls, result: investigation.SearchResult, *, installation: Installation, gallery: Path
    ) -> SearchResult:
        """Make one of a result, where it was found."""
        known = {one.name: getattr(result, one.name) for one in fields(result)}
        return cls(**known, installation=installation, gallery=gallery)

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the settings, else of the cameras."""
        return zone_of_cameras(self.cameras, override=self.installation.settings.zone)

    def _about(self) -> dict[str, Any]:
        chosen = self.installation.settings
        return {
            **Findings._about(self),
            "base_map": chosen.base_map,
            "tiles": chosen.tiles,
            "tiles_attribution": chosen.tiles_attribution,
        }

    def _photographs(self) -> Sequence[ShownFace]:
        from workbench.live.view import ShownFace

        return [
            ShownFace(one.jpeg, one.name, (f"quality {one.quality.overall:.2f}",))
            for one in self.probe.photographs
        ]

    def _footage(self) -> pd.DataFrame:
        with self.installation.open_gallery(self.gallery) as gallery:
            return gallery.footage(self.cameras)

    def _check(self) -> None:
        may_look(self.installation.register, self.case)  # a notebook can stay open for long

    def _pictures(self, candidates: Sequence[Candidate]) -> Mapping[str, bytes]:
        self._check()
        return {one.tracklet_id: one.shot_jpeg for one in candidates}

    def _save_map(self, path: Path, **options: Any) -> None:
        """Write the map as the command does: what may be exported, on record."""
        from workbench.maps.offline import save_page, self_contained_html
        from workbench.maps.sightings import sightings_map

        register = self.installation.register
        kept = exportable(
            register, self.case, self.candidates, zone=self.zone, missing=self.missing
        )
        facts = facts_of(
            register, self.case, kept.candidates,
            scope=self.scope, zone=self.zone, threshold=self.threshold or "all",
            confirmed=kept.confirmed,
        )  # fmt: skip
        marks = {"confirmed": kept.confirmed, "rejected": kept.rejected}
        about = {**self._about(), **marks, "facts": facts, "notices": kept.notices}
        drawn = sightings_map(kept.candidates, **{**about, **options})
        page = self_contained_html(drawn)
        ids = [candidate.tracklet_id for candidate in kept.candidates]
        record_export(register, self.case, ids, form="html", content=page.encode(), file=Path(path))
        save_page(path, page)


def _counted(number: int) -> str:
    return "1 candidate" if number == 1 else f"{number:,} candidates" if number else "No candidates"


def _sentence(what: str) -> str:
    return (
        f"{what}: shown while this notebook runs, and not saved with it. Run the cell again to "
        "look."
    )
