"""Whereabouts of a case's candidates: on a map, in words, and in files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from workbench.domain import Camera, Candidate, Missing, Scope, Threshold
from workbench.maps.export import sightings_csv, sightings_geojson
from workbench.maps.route import MAX_SPEED_KMH, legs, visits
from workbench.maps.zones import local_time
from workbench.settings import Settings
from workbench.widgets.components.parts import camera_name, escaped, time_mark

Form: TypeAlias = Literal["html", "csv", "geojson", "png"]
FORMS: Mapping[Form, tuple[str, str]] = {
    "html": ("HTML map", "text/html"),
    "csv": ("CSV", "text/csv"),
    "geojson": ("GeoJSON", "application/geo+json"),
    "png": ("PNG", "image/png"),
}
"""The files that can be saved: what each is called, and its media type."""


@dataclass(frozen=True)
class Whereabouts:
    """Candidates of a case, the confirmed ones among them, and the place they are in."""

    case: str
    candidates: tuple[Candidate, ...]
    confirmed: frozenset[str]  # tracklet_ids
    cameras: tuple[Camera, ...]
    scope: Scope
    zone: ZoneInfo
    settings: Settings  # base map and tile server
    notices: tuple[str, ...] = ()  # what must be said with them
    rejected: frozenset[str] = frozenset()  # tracklet_ids: marked "not same"
    threshold: Threshold | None = None  # that they reached; None: of several searches
    facts: Mapping[str, str] = field(default_factory=dict)  # what is said of a file
    noted: Mapping[str, int] = field(default_factory=dict)  # numbers of notes by camera_id
    missing: Missing | None = None  # what the search that found them did not compare

    def page(self, *, pictures: bool = True) -> str:
        """One self-contained HTML page with a map; without *pictures* it asks for best shots.

        Raises MapError where the base map or the tile server of the settings cannot be used.
        """
        from workbench.maps.offline import self_contained_html
        from workbench.maps.sightings import sightings_map

        return self_contained_html(
            sightings_map(
                self.candidates,
                confirmed=self.confirmed,
                rejected=self.rejected,
                cameras=self.cameras,
                district=self.scope.district,
                zone=self.zone,
                base_map=self.settings.base_map,
                tiles=self.settings.tiles,
                tiles_attribution=self.settings.tiles_attribution,
                pictures=pictures,
                noted={} if pictures else self.noted,  # a file that leaves tells none
                facts=self.facts,
                notices=self.notices,
            )
        )

    def file(self, form: Form) -> bytes:
        """A file to be saved. Raises what :meth:`page` raises."""
        from workbench.maps.picture import sightings_png

        if form == "html":
            return self.page().encode()
        if form == "png":
            return sightings_png(
                self.candidates,
                confirmed=self.confirmed,
                rejected=self.rejected,
                cameras=self.cameras,
                district=self.scope.district,
                base_map=self.settings.base_map,
                facts=self.facts,
                notices=self.notices,
            )
        about: Any = {
            "zone": self.zone, "confirmed": self.confirmed, "rejected": self.rejected,
            "facts": self.facts, "notices": self.notices,
        }  # fmt: skip
        if form == "csv":
            # The mark of byte order is what makes spreadsheets read it as UTF-8.
            return sightings_csv(self.candidates, **about).encode("utf-8-sig")
        points = sightings_geojson(self.candidates, **about)
        return json.dumps(points, ensure_ascii=False, allow_nan=False).encode()

    def file_name(self, form: Form) -> str:
        """Name the file after what it holds; no case reference can lead out of a folder."""
        plain = re.sub(r"[^\w.-]+", "_", self.case).strip("._") or "case"
        sure = all(one.tracklet_id in self.confirmed for one in self.candidates)
        return f"{'sightings' if sure else 'candidates'}-{plain}.{form}"

    def route(self) -> str:
        """Describe the route as HTML, beginning with legs too fast for one person."""
        from workbench.maps.sightings import MAX_STOPS

        kept = [one for one in self.candidates if one.tracklet_id not in self.rejected]
        stops = visits(kept)
        if len(stops) < 2:
            return ""
        if len(stops) > MAX_STOPS:
            words = f"No route is drawn through {len(stops):,} stops. Raise the minimum score."
            return f'<p class="sl-hint">{escaped(words)}</p>'
        ways = legs(stops)
        fast = [
            f"<li>{self._stop(way.start)} to {self._stop(way.end)}: {escaped(way.words())}.</li>"
            for way in ways
            if way.too_fast()
        ]
        warning = ""
        if fast:
            words = (
                f"No one could travel this fast (over {MAX_SPEED_KMH:.0f} km/h in a straight "
                "line): in each pair, at least one is a different person."
            )
            warning = (
                f'<div class="sl-message" role="status"><p><strong>\N{WARNING SIGN} '
                f"{escaped(words)}</strong></p><ul>{''.join(fast)}</ul></div>"
            )
        items = [f"<li>{self._stop(stops[0])}</li>"]
        items += [
            f"<li>{self._stop(way.end)} <span class='sl-hint'>({escaped(way.words())}"
            f"{': too fast' if way.too_fast() else ''})</span></li>"
            for way in ways
        ]
        sure = all(stop.tracklet_id in self.confirmed for stop in stops)
        kind = "confirmed sightings" if sure else "possible route, not a confirmed one"
        summary = f"The route in words: {len(stops)} stops ({kind})"
        if left_out := len(self.candidates) - len(kept):
            summary += f", without {left_out:,} marked “not same”"
        return (
            f'{warning}<details class="sl-route"><summary>{escaped(summary)}</summary>'
            f"<ol>{''.join(items)}</ol></details>"
        )

    def _stop(self, stop: Candidate) -> str:
        seen = local_time(stop.first_seen, self.zone)
        return f"{escaped(camera_name(stop.camera))}, {escaped(seen)}{time_mark(stop, self.zone)}"
