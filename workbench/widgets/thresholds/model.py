"""The view-model of the page of thresholds: a search that might be made, and calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from traitlets import Dict, Float, Instance, Int, Unicode

from workbench.calibration import (
    QUALITY_STEPS,
    Calibration,
    Curve,
    calibrated_profiles,
    calibration_of,
    files_of,
    parse_calibration,
    read_calibration,
)
from workbench.errors import EvaluationError, ModelError, SightlineError
from workbench.evaluation.own_footage import learn
from workbench.faces import imported
from workbench.faces.models import installed
from workbench.faces.profiles import NAMED
from workbench.installation import Installation
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from pathlib import Path

MOST_TRACKLETS = 1_000_000_000
MOST_COMPARED = 3
AS_CALIBRATED, AS_GALLERY = "calibration", "gallery"


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A profile's calibration, if there is one, and a note on it."""

    calibration: Calibration | None
    note: str = ""


class ThresholdModel(Tasks):
    """A search that might be made, and what calibrations say of it.

    Parameters
    ----------
    profile : str, optional
        By default the profile of the settings.
    gallery : Path, optional
        Its tracklets can stand for those of the search; by default the settings' gallery.
    """

    profile = Unicode(help="the name of a model profile")
    known = Instance(Known, allow_none=True, help="of the profile; None while it is read")
    threshold = Float(0.5)
    photographs = Int(2, min=1)
    tracklets = Int(10_000, min=1, help="number of tracklets that are compared")
    quality = Unicode(AS_CALIBRATED, help="of their best shots: as calibrated, …gallery, or from")
    mix = Instance(tuple, (), help="tracklets of the gallery by quality; empty before it is read")
    footage = Unicode(help="what the gallery's own footage says of the profile's scores")
    compared = Dict(help="other calibrations by name")

    def __init__(
        self,
        profile: str | None = None,
        *,
        installation: Installation,
        gallery: Path | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation = installation
        self.gallery = gallery or installation.settings.gallery_file
        self.observe(self._read, "profile")
        self.profile = profile or installation.settings.profile

    @property
    def calibration(self) -> Calibration | None:
        """Calibration of the profile, if there is one."""
        return self.known.calibration if self.known else None

    @property
    def all(self) -> dict[str, Calibration]:
        """The profile's calibration by its name, and those it is compared with."""
        assert self.calibration is not None
        return {self.profile: self.calibration, **self.compared}

    def profiles(self) -> list[str]:
        """Profiles that are named, set for this installation, imported or calibrated."""
        settings = self.installation.settings
        known = calibrated_profiles(folder=self.installation.calibrations)
        brought = imported.names(settings.models)
        return sorted({settings.profile, self.profile, *NAMED, *brought, *known})

    def recommended(self, calibration: Calibration | None = None) -> float:
        """The threshold of a calibration for this search; by default of the profile's."""
        found = calibration or self.calibration
        assert found is not None
        return found.threshold(photographs=self.photographs, tracklets=self.steps(found)).score

    def steps(self, calibration: Calibration) -> tuple[int, ...]:
        """The tracklets by the quality of their best shot, ``(QUALITY_STEPS,)``."""
        if self.quality == AS_GALLERY and self.mix:
            shares = [number / sum(self.mix) for number in self.mix]
        else:
            shares = _spread(self.bands(calibration))
        return _whole([share * self.tracklets for share in shares])

    def bands(self, calibration: Calibration) -> list[tuple[Curve, float]]:
        """The curves that tracklets of the chosen quality belong to, and where each ends."""
        curves = calibration.curves_for(self.photographs)
        ends = [*(curve.quality for curve in curves[1:]), 1.0]
        bands = list(zip(curves, ends, strict=True))
        if self.quality in (AS_CALIBRATED, AS_GALLERY):
            return bands
        least = float(self.quality)
        # Another calibration may divide qualities elsewhere.
        return [max(bands, key=lambda b: (b[0].quality <= least, -abs(b[0].quality - least)))]

    def typical_quality(self, calibration: Calibration) -> float:
        """The mean quality of the tracklets, to the middle of their steps."""
        steps = self.steps(calibration)
        sums = sum(number * (at + 0.5) / QUALITY_STEPS for at, number in enumerate(steps))
        return sums / max(1, sum(steps))

    def as_strict(self, other: Calibration) -> float:
        """The threshold at which *other* lets as many false candidates by as this one does here."""
        assert self.calibration is not None
        here = self.calibration.false_candidates(
            self.threshold, self.steps(self.calibration), photographs=self.photographs
        ).mean
        steps = self.steps(other)
        low, high = other.thresholds[0], other.thresholds[-1]
        while high - low > 0.001:
            middle = (low + high) / 2
            found = other.false_candidates(middle, steps, photographs=self.photographs).mean
            low, high = (middle, high) if found > here else (low, middle)
        return high

    def use_gallery(self) -> None:
        """Take the number and quality of the tracklets from the gallery of this installation."""

        def done(found: tuple[tuple[int, ...], str]) -> None:
            mix, self.footage = found
            self.mix = mix
            self.tracklets = min(sum(mix), MOST_TRACKLETS)
            self.quality = AS_GALLERY

        self.say("tracklets")
        self.do("tracklets", "Reading the gallery", self._count, done)

    def compare(self, name: str) -> None:
        """Compare with the calibration of another profile."""

        def done(found: Known) -> None:
            if found.calibration is None:
                raise EvaluationError(
                    "has no calibration", where=f"profile {name}", fix="Make one, or choose another"
                )
            self._add(name, found.calibration)

        self.say("compare")
        self.do(
            "compare",
            "Reading the calibration",
            lambda: _known(name, self.installation),
            done,
        )

    def add_file(self, name: str, content: bytes) -> None:
        """Compare with a calibration that was uploaded."""
        self.say("compare")
        try:
            self._add(name, parse_calibration(content.decode("utf-8"), where=name))
        except UnicodeDecodeError:
            self.say("compare", f"{name}: is not a text file. Choose another")
        except SightlineError as error:
            self.say("compare", str(error), also=True)

    def forget(self) -> None:
        """Compare with nothing."""
        self.say("compare")
        self.compared = {}

    def _add(self, name: str, calibration: Calibration) -> None:
        if len(self.compared) >= MOST_COMPARED and name not in self.compared:
            raise EvaluationError(
                f"{MOST_COMPARED} calibrations are compared already", where=name, fix="Clear them"
            )
        self.compared = {**self.compared, name: calibration}

    def _read(self, _: object) -> None:
        def done(found: Known) -> None:
            if self.profile != name:
                return  # another was chosen meanwhile
            self.known = found
            if found.calibration is not None:
                if self.quality != AS_GALLERY:
                    self.quality = AS_CALIBRATED
                self.threshold = self.recommended()

        name = self.profile
        self.footage = ""
        self.say("profile")
        self.known = None
        self.do(
            "profile",
            "Reading the calibration",
            lambda: _known(name, self.installation),
            done,
        )

    def _count(self) -> tuple[tuple[int, ...], str]:
        words, folder = "", self.installation.calibrations
        with self.installation.open_gallery(self.gallery) as opened:
            quality = opened.templates()["quality"].to_numpy()
            if opened.profile.name == self.profile:
                # What is to be counted yet may take hours: that is for the command.
                words = " ".join(learn(opened, calibrations=folder, count=False).words())
        if not len(quality):
            raise EvaluationError(
                "holds no tracklet that can be searched",
                where=str(self.gallery),
                fix="Index footage first",
            )
        return tuple(np.histogram(quality, QUALITY_STEPS, (0, 1))[0].tolist()), words


def _known(name: str, installation: Installation) -> Known:
    """Read the calibration of a profile, whose weights need not be installed."""
    folder, home = installation.calibrations, installation.settings.models
    try:
        return Known(calibration_of(installed(name, home=home), folder=folder))
    except ModelError as error:
        files = files_of(name, folder=folder)
        if not files:
            raise
        return Known(read_calibration(files[0]), f"Nothing can be searched with it here: {error}")


def _spread(bands: Sequence[tuple[Curve, float]]) -> list[float]:
    """Shares of tracklets by quality where each curve has as many as its comparisons."""
    shares = [0.0] * QUALITY_STEPS
    total = sum(curve.comparisons for curve, _ in bands)
    for curve, end in bands:
        first = _step(curve.quality)
        last = max(first + 1, _step(end) if end < 1 else QUALITY_STEPS)
        for step in range(first, last):
            shares[step] += curve.comparisons / total / (last - first)
    return shares


def _step(quality: float) -> int:
    """The first step of qualities whose middle is at least so much."""
    return min(QUALITY_STEPS - 1, max(0, round(quality * QUALITY_STEPS)))


def _whole(numbers: Sequence[float]) -> tuple[int, ...]:
    """Whole numbers with the same sum, as near as can be."""
    done, whole = 0.0, []
    for number in numbers:
        before, done = round(done), done + number
        whole.append(round(done) - before)
    return tuple(whole)
