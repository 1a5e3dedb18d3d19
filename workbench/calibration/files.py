"""Calibrations as files: small tables of numbers with no picture, no template and no name.

Calibrations that come with Sightline lie in this folder; one made for an installation lies in
``HOME/calibrations`` and is taken before them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.calibration.model import Calibration, Curve, Evidence
from workbench.errors import EvaluationError
from workbench.settings import load_settings

if TYPE_CHECKING:
    from workbench.domain import Profile

VERSION = 1
MOST_THRESHOLDS, MOST_CURVES = 1000, 100  # in a file; ours have 55 and 8


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write it as JSON, rates to five digits."""
    told = asdict(calibration) | {"version": VERSION, "made": calibration.made.isoformat()}
    for curve in told["curves"]:
        for name, value in curve.items():
            if isinstance(value, tuple):
                curve[name] = [float(f"{number:.5g}") for number in value]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(told), "utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read what :func:`write_calibration` wrote; raise EvaluationError if it is something else."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return parse_calibration(text, where=str(path))


def parse_calibration(text: str, *, where: str) -> Calibration:
    """That of a file's text; *where* it comes from is for the EvaluationError."""
    try:
        told: dict[str, Any] = json.loads(text)
        if told["version"] != VERSION:
            raise EvaluationError(
                f"is a calibration of version {str(told['version'])[:20]}; this is for {VERSION}",
                where=where,
                fix="Calibrate again",
            )
        thresholds = tuple(float(number) for number in told["thresholds"])
        curves = tuple(_curve(one, len(thresholds)) for one in told["curves"])
        if len(thresholds) > MOST_THRESHOLDS or len(curves) > MOST_CURVES:
            raise ValueError("more thresholds or curves than anybody can look at")
        if not curves or len(thresholds) < 2 or not _rises(thresholds):
            raise ValueError("no curves, or thresholds that do not rise")
        evidence = {f.name: float(told["evidence"][f.name]) for f in fields(Evidence)}
        if not all(math.isfinite(number) for number in evidence.values()):
            raise ValueError("evidence that is no number")
        return Calibration(
            profile=str(told["profile"]),
            fingerprint=str(told["fingerprint"]),
            data=str(told["data"]),
            data_fingerprint=str(told["data_fingerprint"]),
            made=date.fromisoformat(told["made"]),
            thresholds=thresholds,
            curves=curves,
            evidence=Evidence(**evidence),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(where, error) from error


def calibration_of(profile: Profile) -> Calibration | None:
    """That of a profile: of this installation, else one that comes with Sightline, else None.

    Raises EvaluationError if there is one that cannot be read, or is of another profile.
    """
    for path in files_of(profile.name):
        found = read_calibration(path)
        if found.fingerprint == profile.fingerprint:
            return found
        if path.parent == own_folder():
            raise EvaluationError(
                f"was made for other weights ({found.fingerprint}, not {profile.fingerprint})",
                where=str(path),
                fix="Remove it, or calibrate again",
            )
    return None


def files_of(profile: str) -> list[Path]:
    """The calibrations there are for profiles of that name; that of this installation first."""
    folders = (own_folder(), Path(__file__).parent)
    return [path for folder in folders if (path := folder / f"{profile}.json").is_file()]


def calibrated_profiles() -> list[str]:
    """Names of the profiles that there are calibrations for."""
    folders = (own_folder(), Path(__file__).parent)
    return sorted({path.stem for folder in folders for path in folder.glob("*.json")})


def own_folder() -> Path:
    """Where this installation keeps calibrations of its own."""
    return load_settings().calibrations or load_settings().home / "calibrations"


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
}


def _curve(told: dict[str, Any], length: int) -> Curve:
    values: dict[str, Any] = {}
    for one in fields(Curve):
        value = told[one.name]
        if not isinstance(value, list):
            values[one.name] = int(value) if one.type == "int" else float(value)
            least, most = _RANGES[one.name]
            if not least <= values[one.name] <= most:
                raise ValueError(f"{one.name} is {values[one.name]:g}")
            continue
        values[one.name] = numbers = tuple(float(number) for number in value)
        # No share varies more between n probes than n times its mean.
        most = 1e6 if one.name == "spread" else 1.0
        if len(numbers) != length:
            raise ValueError("a curve has not as many values as there are thresholds")
        if not all(0 <= number <= most for number in numbers):
            raise ValueError(f"{one.name} holds what is no share")
    return Curve(**values)


def _compact(told: dict[str, Any]) -> str:
    """JSON with one line a list, so that a change can be read."""
    curves = told.pop("curves")
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
    inner = [
        "    {\n" + ",\n".join(f"      {json.dumps(n)}: {json.dumps(v)}" for n, v in c.items())
        + "\n    }"
        for c in curves
    ]  # fmt: skip
    lines.append('  "curves": [\n' + ",\n".join(inner) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
