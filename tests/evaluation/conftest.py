"""People made of numbers: each a place, their pictures around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.domain import QUALITY_PARTS, Profile
from workbench.evaluation.samples import Samples

PROFILE = Profile("made-up", "dlib", "Dlib", "dlib-chip", "euclidean", 16, (("a.dat", "00"),))

Crowd = Callable[..., Samples]


@pytest.fixture(scope="session")
def crowd() -> Crowd:
    """``crowd(people, pictures, spread=, quality=, seed=)``: templates of made-up people."""

    def make(
        people: int, pictures: int, *, spread: float = 0.08, quality: float = 0.9, seed: int = 0
    ) -> Samples:
        generator = np.random.default_rng(seed)
        middles = generator.normal(0, 0.18, (people, PROFILE.dimension))
        rows, templates = [], []
        for person, middle in enumerate(middles):
            for number in range(pictures):
                good = float(np.clip(quality + generator.normal(0, 0.05), 0, 1))
                templates.append(middle + generator.normal(0, spread, PROFILE.dimension))
                rows.append((f"P{person:04}", f"{number}.jpg", 100.0, good, *[good] * 6))
        columns = ["person", "name", "width", "quality", *QUALITY_PARTS]
        failed = pd.DataFrame(columns=["person", "name", "reason"])
        made = np.array(templates, np.float32)
        return Samples(pd.DataFrame(rows, columns=columns), made, made, PROFILE, failed)

    return make
