"""Footage in numbers, and what a search in it can be expected to find and to miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.client.documents import Document, coverage_document, scope_document
from workbench.investigation import expect
from workbench.server.api import questions
from workbench.server.api.endpoint import Endpoint
from workbench.server.api.problems import BadInput

if TYPE_CHECKING:
    from workbench.calibration import Calibration

MOST_THRESHOLDS = 1000


class Me(Endpoint):
    """``me``: who one is to this server."""

    async def get(self) -> None:
        """Send account, way of sign-in and roles."""

        def asked() -> Document:
            me = self.served.installation.register.me
            return {
                "account": me.account,
                "way": me.way,
                "roles": sorted(me.roles),
                "in_service": me.in_service,
            }

        await self.send(asked)


class _OfFootage(Endpoint):
    def require_reader(self) -> None:
        """Raise NotPermitted unless a role of the person reads cases: footage is for the team."""
        self.served.installation.register.require("case.read")


class Statistics(_OfFootage):
    """``statistics``: what the gallery holds, in numbers."""

    async def get(self) -> None:
        """Send counts, the span of time and the profile."""
        await self.send(self._counted)

    def _counted(self) -> Document:
        self.require_reader()
        with self.served.opened() as gallery:
            recordings, span = gallery.recordings(), gallery.time_span()
            first, last = (None, None) if span is None else (one.isoformat() for one in span)
            return {
                "profile": gallery.profile.name,
                "cameras": len(gallery.cameras()),
                "recordings": len(recordings),
                "footage_seconds": float(recordings["seconds"].sum()),
                "first": first,
                "last": last,
                "tracklets": int((recordings["tracklets"] - recordings["unsearchable"]).sum()),
                "unsearchable": int(recordings["unsearchable"].sum()),
                "refused": len(gallery.refusals()),
            }


class Cameras(_OfFootage):
    """``cameras``: a table of the cameras."""

    async def get(self) -> None:
        """Send camera_id, camera, latitude and longitude, which are missing where not known."""
        await self.send(self._table)

    def _table(self) -> pd.DataFrame:
        self.require_reader()
        with self.served.opened() as gallery:
            rows = [(c.camera_id, c.name, c.latitude, c.longitude) for c in gallery.cameras()]
        return pd.DataFrame(rows, columns=["camera_id", "camera", "latitude", "longitude"])


class Recordings(_OfFootage):
    """``recordings``: a table of the recordings."""

    async def get(self) -> None:
        """Send what was indexed of each, with counts of tracklets; no paths of the server."""
        await self.send(self._table)

    def _table(self) -> pd.DataFrame:
        self.require_reader()
        with self.served.opened() as gallery:
            return gallery.recordings().drop(columns=["catalogue", "modified_ns"])


class CoverageOf(_OfFootage):
    """``coverage``: what a district and time hold."""

    async def post(self) -> None:
        """Send the coverage of a scope; nothing is compared."""
        await self.send(self._coverage, heavy=True)

    def _coverage(self) -> Document:
        self.require_reader()
        document = self.document
        scope, only = questions.scope_of(document), questions.filter_of(document)
        with self.served.opened() as gallery:
            found = gallery.coverage(scope, only=only)
        return {"scope": scope_document(scope), **coverage_document(found)}


class Forecast(_OfFootage):
    """``forecasts``: false candidates and missed sightings to expect of a search."""

    async def post(self) -> None:
        """Send what to expect at each threshold; nothing is compared."""
        await self.send(self._foretold, heavy=True)

    def _foretold(self) -> Document:
        self.require_reader()
        document = self.document
        scope, only = questions.scope_of(document), questions.filter_of(document)
        photographs = document.get("photographs", 1)
        if not isinstance(photographs, int) or isinstance(photographs, bool) or photographs < 1:
            raise BadInput("is not a number of at least 1", where="photographs", fix="Send one")
        installation = self.served.installation
        with self.served.opened() as gallery:
            default = installation.default_threshold(gallery.profile, photographs=photographs)
            expected = expect(
                gallery,
                scope,
                photographs=photographs,
                calibrations=installation.register.rules.calibrations,
                only=only,
            )
        assert expected is not None  # default_threshold raises NotCalibrated first
        rows = []
        for at in _thresholds(document, expected.calibration, default.score):
            false, missed = expected.false_candidates(at), expected.fnmr(at)
            rows.append(
                {
                    "threshold": at,
                    "false_candidates": false.mean,
                    "false_candidates_low": false.low,
                    "false_candidates_high": false.high,
                    "extrapolated": bool(false.extrapolated),
                    "missed": _or_none(missed.rate),
                    "missed_low": _or_none(missed.low),
                    "missed_high": _or_none(missed.high),
                }
            )
        return {
            "scale": expected.calibration.scale,
            "compared": sum(expected.tracklets),
            "photographs": photographs,
            "default_threshold": default.score,
            "words": expected.words(default.score),
            "thresholds": rows,
        }


def _thresholds(document: dict[str, Any], calibration: Calibration, default: float) -> list[float]:
    asked = document.get("thresholds")
    if asked is None:
        return sorted({*map(float, calibration.thresholds), float(default)})
    if not isinstance(asked, list) or len(asked) > MOST_THRESHOLDS:
        raise BadInput(
            f"is not a list of at most {MOST_THRESHOLDS} numbers",
            where="thresholds",
            fix="Send one",
        )
    return [questions.number_of({"thresholds": one}, "thresholds") for one in asked]


def _or_none(rate: float) -> float | None:
    return None if rate != rate else float(rate)
