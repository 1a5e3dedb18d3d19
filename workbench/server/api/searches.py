"""Searches, and what can be looked at of the candidates that they found."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.casework.reviewing.triage import may_see_clip, record_clip, record_view
from workbench.casework.searches import require_complete
from workbench.client.documents import (
    Document,
    candidate_document,
    coverage_document,
    scope_document,
)
from workbench.domain import Threshold, candidates_frame
from workbench.investigation import SearchResult, search
from workbench.server.api import questions
from workbench.server.api.endpoint import ARROW, Endpoint
from workbench.server.api.problems import NotFound

if TYPE_CHECKING:
    import pandas as pd

    from workbench.domain import Candidate, Probe


class _OfSearches(Endpoint):
    def told(self, name: str, result: SearchResult, *, shots: bool) -> Document | pd.DataFrame:
        """Answer of a search, as it is to be sent."""
        if ARROW in self.request.headers.get("Accept", ""):
            require_complete(result.missing, result.case)  # a table does not say so
            return candidates_frame(result.candidates)
        return _document(name, result, shots=shots)


class Searches(_OfSearches):
    """``searches``: put a question under a case, and get its candidates."""

    async def post(self) -> None:
        """Search; the answer is kept for an hour for whoever asked."""
        await self.send(self._search, heavy=True, status=201)

    def _search(self) -> Document | pd.DataFrame:
        document, pictures = questions.read(self)
        served, installation = self.served, self.served.installation
        reference = questions.text_of(document, "case")
        scope, only = questions.scope_of(document), questions.filter_of(document)
        top = questions.top_of(document)
        self.case(reference)
        served.pace.search(self.account)
        with served.opened() as gallery:
            own = questions.case_photographs_of(document)
            probe = questions.make_probe(served, pictures, gallery.profile, case=reference, own=own)
            self.stop_if_gone()
            result = search(
                gallery,
                probe,
                scope,
                case=reference,
                register=installation.register,
                top=top,
                threshold=self._threshold(document, probe),
                only=only,
                zone=installation.settings.zone,
                progress=self.stop_if_gone,
                searchers=installation.searchers,
            )
        shots = bool(document.get("shots"))
        if shots and result.candidates:
            tracklets = [candidate.tracklet_id for candidate in result.candidates]
            record_view(installation.register, result.case, tracklets)
        name = served.searches.keep(self.account, result)
        self.set_header("Location", f"searches/{name}")
        return self.told(name, result, shots=shots)

    def _threshold(self, document: dict[str, Any], probe: Probe) -> Threshold | float | None:
        asked = document.get("threshold")
        if asked == "all":
            return None
        if asked is None:
            return self.served.installation.threshold_for(probe)
        return questions.number_of(document, "threshold")


class Search(_OfSearches):
    """``searches/ID``: a search that one has made, again, without its pictures."""

    async def get(self, name: str) -> None:
        """Send it."""
        await self.send(lambda: self.told(name, self._found(name), shots=False))

    def _found(self, name: str) -> SearchResult:
        kept = self.served.searches.find(self.account, name)
        if kept is None:
            raise NotFound(
                "there is no such search, or it is kept no longer",
                where=name[:40],
                fix="Search again",
            )
        self.case(kept.result.case)  # whoever is a member no longer sees nothing more
        return kept.result

    def _candidate(self, name: str, tracklet_id: str) -> tuple[SearchResult, Candidate]:
        found = self._found(name)
        for candidate in found.candidates:
            if candidate.tracklet_id == tracklet_id:
                return found, candidate
        raise NotFound(
            "is not a candidate of this search",
            where=tracklet_id[:40],
            fix="Choose one of its list",
        )


class CandidateShot(Search):
    """``searches/ID/candidates/TRACKLET/shot``: the best shot of a candidate."""

    async def get(self, name: str, tracklet_id: str) -> None:  # type: ignore[override]
        """Send it as a JPEG; that it is seen is on record."""
        self.answer_bytes(await self.work(partial(self._shot, name, tracklet_id)), "image/jpeg")

    def _shot(self, name: str, tracklet_id: str) -> bytes:
        found, candidate = self._candidate(name, tracklet_id)
        register = self.served.installation.register
        may_see_clip(register, found.case, candidate)
        record_view(register, found.case, [tracklet_id])
        return candidate.shot_jpeg


class CandidateClip(Search):
    """``searches/ID/candidates/TRACKLET/clip``: the seconds around a candidate."""

    async def get(self, name: str, tracklet_id: str) -> None:  # type: ignore[override]
        """Send them as MP4, everybody else made coarse; that it is seen is on record."""
        clip = await self.work(partial(self._clip, name, tracklet_id), heavy=True)
        self.answer_bytes(clip, "video/mp4")

    def _clip(self, name: str, tracklet_id: str) -> bytes:
        found, candidate = self._candidate(name, tracklet_id)
        served = self.served
        register = served.installation.register
        may_see_clip(register, found.case, candidate)
        with served.networks:
            case = register.case(found.case)
            clip = served.installation.cut_clip(served.gallery, candidate, case)
        record_clip(register, found.case, candidate, clip)
        return clip.film


def _document(name: str, result: SearchResult, *, shots: bool) -> Document:
    threshold, expected = result.threshold, result.expectations
    return {
        "id": name,
        "case": result.case,
        "training": result.training,
        "notices": list(result.notices),
        "asked_at": result.asked_at.isoformat(),
        "seconds": result.seconds,
        "scope": scope_document(result.scope),
        "only": None if result.only is None else result.only.document(),
        "scale": result.scale,
        "threshold": None if threshold is None else asdict(threshold),
        "compared": result.compared,
        "complete": result.complete,
        "missing": None if result.missing is None else asdict(result.missing),
        "top": result.top,
        "coverage": coverage_document(result.coverage),
        "cameras": [asdict(camera) for camera in result.cameras],
        "photograph_notes": list(result.probe.notes),
        "forecast": expected.words(threshold.score) if threshold and expected else [],
        "candidates": [candidate_document(c, shot=shots) for c in result.candidates],
    }
