"""All that a search of a small gallery finds, and a doubt about its times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from workbench import notebook
from workbench.district import from_geojson
from workbench.domain import Candidate, Scope
from workbench.gallery import Gallery
from workbench.gallery import search as gallery_search
from workbench.live.results import SearchResult
from workbench.permit.issuing import issue

START = datetime(2026, 3, 29, tzinfo=UTC)
RING = [[-1, 51], [1, 51], [1, 52], [-1, 52], [-1, 51]]
TOWN = from_geojson({"type": "Polygon", "coordinates": [RING]}, name="town")
JOINED = "its clock goes back by 30 s: recordings were joined"


def found(gallery: Gallery, start: float = -1440.0, end: float = 1440.0) -> list[Candidate]:
    """All searchable tracklets between two minutes of the day, by id."""
    scope = Scope(TOWN, START + timedelta(minutes=start), START + timedelta(minutes=end))
    probe = np.ones(gallery.profile.dimension, np.float32)
    permit = issue("TEST", "test", 1, gallery=gallery.path, template=probe, scope=scope)
    candidates = gallery_search.search(gallery, probe, scope, permit=permit)
    return sorted(candidates, key=lambda candidate: candidate.tracklet_id)


def search(*question: Any, **options: Any) -> SearchResult:
    """``sl.search`` for candidates of any score: made faces and made profiles reach no default."""
    return notebook.search(*question, **({"threshold": "all", "progress": False} | options))
