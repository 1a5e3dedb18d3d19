"""Calibrations as files: tables of numbers with no picture, no template of anybody and no name.

Calibrations that come with Sightline lie in this folder; one made for an installation lies in a
folder of its own (by default ``HOME/calibrations``) and is taken before them. One that comes with
Sightline for a network that does not is known by the fingerprint of its profile, whatever users
call that. A provisional one, made without labels, lies in the folder ``provisional`` of the
installation's, and is taken after all of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from uuid import uuid4

import numpy as np

from workbench.calibration.model import Calibration, Curve, LikelihoodRatioModel, Nearness
from workbench.calibration.normaliser import BEST, Normaliser
from workbench.domain import Metric
from workbench.errors import EvaluationError, unwritten

if TYPE_CHECKING:
    from workbench.domain import Profile

VERSION = 2
IMPORTED = "onnx-"  # how the names of recognisers begin that users bring
PROVISIONAL = "provisional"
_WITH_FINGERPRINT = re.compile(r"-[0-9a-f]{16}$")
# In a file; ours have some 90 thresholds, 16 curves and 128 centroids.
MOST_THRESHOLDS, MOST_ROWS, MOST_CENTROIDS = 1000, 100, 1024
_ROWS = ("nearness", "shot_nearness", "curves", "shot_curves")
_Numbers = TypeVar("_Numbers", Curve, Nearness)


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON, rates to five digits, whole or not at all.

    Raises EvaluationError if it cannot be written.
    """
    document = asdict(replace(calibration, normaliser=None))
    document |= {"version": VERSION, "made": calibration.made.isoformat()}
    del document["probes"], document["digest"]
    for name in _ROWS:
        document[name] = [
            {
                key: [float(f"{number:.5g}") for number in value]
                if isinstance(value, tuple)
                else value
                for key, value in row.items()
            }
            for row in document[name]
        ]
    if calibration.normaliser is not None:
        document["normaliser"] = _of_normaliser(calibration.normaliser)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(_compact(document), "utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        what, fix = unwritten(error, fix="Make the folder writable, or name another")
        raise EvaluationError(what, where=str(path), fix=fix) from None


def read_calibration(path: Path) -> Calibration:
    """Read a file of :func:`write_calibration`; raise EvaluationError if it is something else."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return parse_calibration(text, where=str(path))


def parse_calibration(text: str, *, where: str) -> Calibration:
    """Parse the text of the file *where*; raise EvaluationError if it cannot be used."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document.get("version") != VERSION:
            raise EvaluationError(
                f"is a calibration of version {str(document['version'])[:20]}, not {VERSION}: "
                "probes and scores are made in another way since"
                if "version" in document
                else "is of no version of calibrations that is known",
                where=where,
                fix="Remove it, or calibrate again",
            )
        thresholds = tuple(float(number) for number in document["thresholds"])
        if len(thresholds) > MOST_THRESHOLDS or any(len(document[n]) > MOST_ROWS for n in _ROWS):
            raise ValueError("too many thresholds or curves")
        curves, shot_curves = (
            tuple(_curve(curve, len(thresholds)) for curve in document[name])
            for name in ("curves", "shot_curves")
        )
        nearness, shot_nearness = (
            tuple(_nearness(one) for one in document[name])
            for name in ("nearness", "shot_nearness")
        )
        if not curves or len(thresholds) < 2 or not _rises(thresholds):
            raise ValueError("no curves, or thresholds that do not rise")
        return Calibration(
            profile=str(document["profile"]),
            fingerprint=str(document["fingerprint"]),
            data=str(document["data"]),
            data_fingerprint=str(document["data_fingerprint"]),
            made=date.fromisoformat(document["made"]),
            thresholds=thresholds,
            curves=curves,
            likelihood_ratio_model=_likelihood_ratio_model(document["likelihood_ratio_model"]),
            provisional=document.get("provisional", False) is True,
            network=str(document.get("network", "")),
            normaliser=_normaliser(document["normaliser"]),
            nearness=nearness,
            shot_curves=shot_curves,
            shot_nearness=shot_nearness,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(where, error) from error


def calibration_of(profile: Profile, *, folder: Path) -> Calibration | None:
    """Calibration of a profile: this installation's own, else Sightline's, else a provisional one.

    None if there is none of these.

    Parameters
    ----------
    folder : Path
        Where the installation keeps its own.

    Raises
    ------
    EvaluationError
        If there is one that cannot be read, or one in *folder* that is of another profile.
    """
    for path in files_of(profile.name, folder=folder, fingerprint=profile.fingerprint):
        calibration = read_calibration(path)
        if calibration.fingerprint == profile.fingerprint:
            normaliser = calibration.normaliser
            if normaliser is not None and normaliser.centroids.shape[1] != profile.dimension:
                raise _unreadable(str(path), ValueError("centroids of another dimension"))
            return calibration
        if path.parent == folder:
            raise EvaluationError(
                f"was made for other weights ({calibration.fingerprint}, "
                f"not {profile.fingerprint})",
                where=str(path),
                fix="Remove it, or calibrate again",
            )
    return None


def shipped_calibration(profile: Profile) -> Calibration | None:
    """Calibration of a profile that comes with Sightline, whatever the installation has."""
    nowhere = Path(__file__).parent / "none"
    return calibration_of(profile, folder=nowhere)


def files_of(profile: str, *, folder: Path, fingerprint: str = "") -> list[Path]:
    """Calibration files for profiles of that name: in *folder*, Sightline's, the provisional.

    Sightline's for a *fingerprint* is among them, whatever the name.
    """
    ours, name = Path(__file__).parent, f"{profile}.json"
    by_fingerprint = sorted(ours.glob(f"*-{fingerprint}.json")) if fingerprint else []
    possible = [folder / name, ours / name, *by_fingerprint, folder / PROVISIONAL / name]
    return [path for path in possible if path.is_file()]


def shipped_file(profile: Profile) -> Path:
    """File in which a calibration of that profile comes with Sightline, there or not."""
    is_known_by_name = not profile.recogniser.startswith(IMPORTED)
    name = profile.name if is_known_by_name else f"{profile.name}-{profile.fingerprint}"
    return Path(__file__).parent / f"{name}.json"


def calibrated_profiles(*, folder: Path) -> list[str]:
    """Names of the profiles that have a calibration, in *folder* or with Sightline."""
    folders = (folder, Path(__file__).parent, folder / PROVISIONAL)
    names = {path.stem for each in folders for path in each.glob("*.json")}
    return sorted(name for name in names if not _WITH_FINGERPRINT.search(name))


def provisional_file(profile: str, *, folder: Path) -> Path:
    """Path of the provisional calibration of a profile, there or not."""
    return folder / PROVISIONAL / f"{profile}.json"


def _likelihood_ratio_model(stored: Mapping[str, Any] | None) -> LikelihoodRatioModel | None:
    if stored is None:
        return None
    model = {f.name: float(stored[f.name]) for f in fields(LikelihoodRatioModel)}
    if not all(math.isfinite(number) for number in model.values()):
        raise ValueError("a likelihood ratio that is not a number")
    return LikelihoodRatioModel(**model)


def _unreadable(where: str, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"is not a calibration ({type(error).__name__}: {str(error)[:100]})",
        where=where,
        fix="Remove it, or calibrate again",
    )


def _rises(numbers: Sequence[float]) -> bool:
    return all(math.isfinite(n) for n in numbers) and all(a < b for a, b in pairwise(numbers))


_RANGES = {
    "photographs": (1, 1000),
    "quality": (0, 1),
    "measured_to": (-1e9, 1e9),
    "people": (1, 1e12),
    "comparisons": (1, 1e18),
    "mean": (-1e6, 1e6),
    "deviation": (1e-9, 1e6),
    "slope": (-100, 100),
    "intercept": (-1000, 1000),
}


def _curve(stored: Mapping[str, Any], length: int) -> Curve:
    curve = _numbers(Curve, stored)
    for field in fields(Curve):
        numbers = getattr(curve, field.name)
        if not isinstance(numbers, tuple):
            continue
        # No rate varies more between n probes than n times its mean.
        most = 1e6 if field.name == "fmr_dispersion" else 1.0
        if len(numbers) != length:
            raise ValueError("a curve and the thresholds differ in length")
        if not all(0 <= number <= most for number in numbers):
            raise ValueError(f"{field.name} holds a value that is not a rate")
    return curve


def _nearness(stored: Mapping[str, Any]) -> Nearness:
    found = _numbers(Nearness, stored)
    if len(found.offsets) < 2 or not all(a <= b for a, b in pairwise(found.offsets)):
        raise ValueError("offsets that fall")
    return found


def _numbers(kind: type[_Numbers], stored: Mapping[str, Any]) -> _Numbers:
    """Read a row of numbers and lists of numbers, each number within its range."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = stored[field.name]
        if isinstance(value, list) != str(field.type).startswith("tuple"):
            raise ValueError(f"{field.name} is not what it must be")
        if isinstance(value, list):
            values[field.name] = tuple(float(number) for number in value[: MOST_THRESHOLDS + 1])
            continue
        values[field.name] = float(value) if "float" in str(field.type) else int(value)
        least, most = _RANGES[field.name]
        if not least <= values[field.name] <= most:
            raise ValueError(f"{field.name} is {values[field.name]:g}")
    return kind(**values)


def _of_normaliser(normaliser: Normaliser) -> dict[str, Any]:
    centroids = normaliser.centroids.astype("<f2")
    about = {f.name: getattr(normaliser, f.name) for f in fields(Normaliser) if f.init}
    shown = {
        "shape": list(centroids.shape),
        "float16": base64.b64encode(centroids.tobytes()).decode(),
    }
    return about | {"centroids": shown}


def _normaliser(stored: Mapping[str, Any] | None) -> Normaliser | None:
    if stored is None:
        return None
    many, dimension = (int(number) for number in stored["centroids"]["shape"])
    content = base64.b64decode(stored["centroids"]["float16"], validate=True)
    if not BEST <= many <= MOST_CENTROIDS or len(content) != 2 * many * dimension:
        raise ValueError("centroids of another number than is said")
    centroids = np.frombuffer(content, "<f2").astype(np.float32).reshape(many, dimension)
    metric: Metric = stored["metric"]
    mean, deviation = float(stored["mean"]), float(stored["deviation"])
    if not (np.isfinite(centroids).all() and math.isfinite(mean) and 0 < deviation < math.inf):
        raise ValueError("centroids, mean or deviation that are not numbers")
    if metric not in get_args(Metric) or (metric == "cosine" and not centroids.any(axis=1).all()):
        raise ValueError("centroids of no metric, or without a direction")
    return Normaliser(
        metric=metric,
        centroids=centroids,
        mean=mean,
        deviation=deviation,
        people_each=int(stored["people_each"]),
        people=int(stored["people"]),
        source=str(stored["source"]),
        licence=str(stored["licence"]),
    )


def _compact(document: dict[str, Any]) -> str:
    """JSON with one line a list, so that a change can be read."""
    rows = {name: document.pop(name) for name in _ROWS}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in document.items()]
    for name, these in rows.items():
        inner = [
            "    {\n" + ",\n".join(f"      {json.dumps(n)}: {json.dumps(v)}" for n, v in c.items())
            + "\n    }"
            for c in these
        ]  # fmt: skip
        lines.append(f'  "{name}": [\n' + ",\n".join(inner) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
