"""Profiles: which detector and recogniser work together, and how chips are made for them.

Chips are cut and normalised the way each network was trained, which is worth more than any other
step. ``measured`` says whether that was proved here on real faces; the others follow their authors'
documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from workbench.calibration import calibration_of
from workbench.domain import Metric, Profile, Threshold
from workbench.errors import ModelError, NotCalibrated

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Alignment: TypeAlias = Literal["dlib-chip", "arcface-112", "deepface"]
Normalisation: TypeAlias = Literal["bytes", "unit", "arcface", "facenet", "facenet2018"]
Layout: TypeAlias = Literal["NCHW", "NHWC"]
Channels: TypeAlias = Literal["RGB", "BGR"]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Form in which a network takes pixels: ``(pixel - mean) * scale``, by channel, in float32."""

    layout: Layout
    channels: Channels
    mean: tuple[float, float, float]  # in the order of the channels
    scale: tuple[float, float, float]

    def __str__(self) -> str:
        return f"{self.layout} {self.channels} mean {self.mean} scale {self.scale}"

    def prepare(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn chips ``(n, h, w, 3)``, BGR, into the network's input."""
        pixels = chips if self.channels == "BGR" else chips[..., ::-1]
        values = (pixels - np.array(self.mean, np.float32)) * np.array(self.scale, np.float32)
        ordered = values.transpose(0, 3, 1, 2) if self.layout == "NCHW" else values
        return np.ascontiguousarray(ordered, np.float32)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One of DeepFace's recognisers: the chips it expects, and limits of its scores.

    ``split_below`` and ``join_from`` are scores between shots on one camera; see
    :mod:`workbench.faces.templates`. They are None where they were not measured.
    """

    name: str
    dimension: int
    input_size: tuple[int, int]  # height, width in pixels
    alignment: Alignment
    normalisation: Normalisation | Pixels
    metric: Metric = "cosine"
    split_below: float | None = None
    join_from: float | None = None
    measured: bool = False


RECOGNISERS = {
    recogniser.name: recogniser
    for recogniser in (
        # Shots inside pure tracks lie at most 0.62 apart, in tracks of two people at least 0.75;
        # pooled tracklets of different people less than 0.44 apart in 1 of 1,000 pairs.
        Recogniser(
            "Dlib", 128, (150, 150), "dlib-chip", "bytes", "euclidean", 0.4, 0.6, measured=True
        ),
        # OpenCV's FaceRecognizerSF.alignCrop uses the same five points.
        Recogniser("SFace", 128, (112, 112), "arcface-112", "unit"),
        # leondgarse/Keras_insightface: RGB, (x - 127.5) / 128.
        Recogniser("ArcFace", 512, (112, 112), "arcface-112", "arcface"),
        Recogniser("GhostFaceNet", 512, (112, 112), "arcface-112", "arcface"),
        # insightface's own code multiplies and swaps channels.
        Recogniser("Buffalo_L", 512, (112, 112), "arcface-112", "unit"),
        # davidsandberg/facenet: whitening of each picture (2017), fixed standardisation (2018).
        Recogniser("Facenet", 128, (160, 160), "deepface", "facenet"),
        Recogniser("Facenet512", 512, (160, 160), "deepface", "facenet2018"),
        Recogniser("VGG-Face", 4096, (224, 224), "deepface", "unit"),
        Recogniser("OpenFace", 128, (96, 96), "deepface", "unit"),
        Recogniser("DeepFace", 4096, (152, 152), "deepface", "unit"),
        Recogniser("DeepID", 160, (47, 55), "deepface", "unit"),
    )
}

DETECTORS = (
    "dlib", "yunet", "retinaface", "mtcnn", "fastmtcnn", "centerface", "mediapipe", "opencv", "ssd",
    "yolov8n", "yolov8m", "yolov8l", "yolov11n", "yolov11s", "yolov11m", "yolov11l",
    "yolov12n", "yolov12s", "yolov12m", "yolov12l",
)  # fmt: skip

# Names of pairs; any other pair is written <detector>+<recogniser>.
NAMED = {"dlib": ("dlib", "Dlib"), "yunet-dlib": ("yunet", "Dlib")}

# The recogniser that was measured with two detectors may be used with a third: between their
# thresholds for two photographs and more (benchmarks/lab.py).
CALIBRATIONS = {
    "Dlib": Threshold(0.48, "LFW, with other detectors: 1 false match in 200 comparisons")
}


def calibrated_threshold(
    profile: Profile, *, calibrations: Path, photographs: int = 1, shots: bool = False
) -> Threshold:
    """Default threshold of a profile for probes of a number of photographs.

    It comes from a calibration for searching, in the folder *calibrations* or one that comes with
    Sightline. A probe of more photographs scores higher with everyone, and highest with the right
    person, so the threshold for the same FMR rises with their number. With *shots* the probe is
    made of best shots of footage, which are small and not mirrored.

    Raises
    ------
    NotCalibrated
        If there is none: nothing says then how many other people reach a score. DeepFace's own
        thresholds are for comparing two pictures; in a search of thousands far too many reach them.
    """
    calibration = calibration_of(profile, folder=calibrations)
    if calibration is not None:
        known = calibration.of_shots if shots else calibration
        return known.threshold(photographs=photographs)
    if profile.recogniser in CALIBRATIONS:
        return CALIBRATIONS[profile.recogniser]
    raise NotCalibrated(
        "has no calibration, so there is no default threshold",
        where=f"profile {profile.name}",
        fix="Choose a threshold yourself; or measure what scores mean, on pictures of known people "
        f"(`sightline calibrate FOLDER --profile {profile.name}`) or on your own footage "
        "(`sightline gallery calibrate`)",
    )


def pair(name: str, *, imported: Sequence[str] = ()) -> tuple[str, Recogniser]:
    """Detector and recogniser of a profile's name; raise ModelError for an unknown name.

    *imported* are names of further profiles that the error lists.
    """
    detector, plus, recogniser = name.partition("+")
    if not plus:
        detector, recogniser = NAMED.get(name, ("", ""))
    known = {known.lower(): known for known in RECOGNISERS}
    if detector not in DETECTORS or recogniser.lower() not in known:
        raise ModelError(
            "unknown profile",
            where=f"profile {name}",
            fix=f"Use {', '.join((*NAMED, *imported))}, or DETECTOR+RECOGNISER with a detector of "
            f"{', '.join(DETECTORS)} and a recogniser of {', '.join(RECOGNISERS)}",
        )
    return detector, RECOGNISERS[known[recogniser.lower()]]


def make_profile(name: str, weights: tuple[tuple[str, str], ...]) -> Profile:
    """Make a profile of weights, given as file names and SHA-256."""
    detector, recogniser = pair(name)
    return Profile(
        name=name,
        detector=detector,
        recogniser=recogniser.name,
        alignment=recogniser.alignment,
        metric=recogniser.metric,
        dimension=recogniser.dimension,
        weights=weights,
    )


def normaliser(recogniser: Recogniser) -> Callable[[NDArray[np.uint8]], NDArray[np.generic]]:
    """Function that turns chips ``(n, h, w, 3) uint8`` BGR into the recogniser's input."""

    def arcface(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray((chips[..., ::-1] - np.float32(127.5)) / 128, np.float32)

    def facenet(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = chips[..., ::-1].astype(np.float32)
        mean = pixels.mean(axis=(1, 2, 3), keepdims=True)
        spread = pixels.std(axis=(1, 2, 3), keepdims=True)
        return np.asarray((pixels - mean) / np.maximum(spread, pixels[0].size ** -0.5), np.float32)

    def facenet2018(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray((chips[..., ::-1] - np.float32(127.5)) / 127.5, np.float32)

    def unit(chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(chips / np.float32(255), np.float32)

    normalisers: dict[Normalisation, Callable[[NDArray[np.uint8]], NDArray[np.generic]]] = {
        "bytes": lambda chips: chips,
        "unit": unit,
        "arcface": arcface,
        "facenet": facenet,
        "facenet2018": facenet2018,
    }
    if isinstance(recogniser.normalisation, Pixels):
        return recogniser.normalisation.prepare
    return normalisers[recogniser.normalisation]
