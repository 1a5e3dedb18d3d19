"""Calibrations as files: small tables of numbers with no picture, no template and no name.

Calibrations that come with Sightline lie in this folder; one made for an installation lies in a
folder of its own (by default ``HOME/calibrations``) and is taken before them. One that comes with
Sightline for a network that does not is known by the fingerprint of its profile, whatever users
call that. A provisional one, made without labels, lies in the folder ``provisional`` of the
installation's, and is taken after all of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.calibration.model import Calibration, Curve, LikelihoodRatioModel
from workbench.errors import EvaluationError

if TYPE_CHECKING:
    from workbench.domain import Profile

VERSION = 1
IMPORTED = "onnx-"  # how the names of recognisers begin that users bring
PROVISIONAL = "provisional"
_WITH_FINGERPRINT = re.compile(r"-[0-9a-f]{16}$")
MOST_THRESHOLDS, MOST_CURVES = 1000, 100  # in a file; ours have 55 and 8
# Keys of the first calibrations, kept so that they can be read, by field where they differ.
_KEYS = {
    "fmr": "false",
    "fmr_low": "false_low",
    "fmr_high": "false_high",
    "fmr_dispersion": "spread",
    "fnmr": "missed",
    "fnmr_low": "missed_low",
    "fnmr_high": "missed_high",
    "cllr_min": "cllr_least",
    "likelihood_ratio_model": "evidence",
}


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON, rates to five digits."""
    document = _stored(asdict(calibration))
    document |= {"version": VERSION, "made": calibration.made.isoformat()}
    if calibration.likelihood_ratio_model is not None:
        document["evidence"] = _stored(document["evidence"])
    document["curves"] = [
        {
            key: [float(f"{number:.5g}") for number in value] if isinstance(value, tuple) else value
            for key, value in _stored(curve).items()
        }
        for curve in document["curves"]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(document), "utf-8")


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_KEYS.get(name, name): value for name, value in values.items()}


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
        if document["version"] != VERSION:
            raise EvaluationError(
                f"is a calibration of version {str(document['version'])[:20]}, not {VERSION}",
                where=where,
                fix="Calibrate again",
            )
        thresholds = tuple(float(number) for number in document["thresholds"])
        curves = tuple(_curve(curve, len(thresholds)) for curve in document["curves"])
        if len(thresholds) > MOST_THRESHOLDS or len(curves) > MOST_CURVES:
            raise ValueError("too many thresholds or curves")
        if not curves or len(thresholds) < 2 or not _rises(thresholds):
            raise ValueError("no curves, or thresholds that do not rise")
        model = _likelihood_ratio_model(document["evidence"])
        return Calibration(
            profile=str(document["profile"]),
            fingerprint=str(document["fingerprint"]),
            data=str(document["data"]),
            data_fingerprint=str(document["data_fingerprint"]),
            made=date.fromisoformat(document["made"]),
            thresholds=thresholds,
            curves=curves,
            likelihood_ratio_model=model,
            provisional=document.get("provisional", False) is True,
            network=str(document.get("network", "")),
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
            return calibration
        if path.parent == folder:
            raise EvaluationError(
                f"was made for other weights ({calibration.fingerprint}, "
                f"not {profile.fingerprint})",
                where=str(path),
                fix="Remove it, or calibrate again",
            )
    return None


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
    model = {f.name: float(stored[_KEYS.get(f.name, f.name)]) for f in fields(LikelihoodRatioModel)}
    if not all(math.isfinite(number) for number in model.values()):
        raise ValueError("evidence that is not a number")
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
}


def _curve(stored: dict[str, Any], length: int) -> Curve:
    values: dict[str, Any] = {}
    for field in fields(Curve):
        key = _KEYS.get(field.name, field.name)
        value = stored[key]
        if not isinstance(value, list):
            values[field.name] = int(value) if field.type == "int" else float(value)
            least, most = _RANGES[key]
            if not least <= values[field.name] <= most:
                raise ValueError(f"{key} is {values[field.name]:g}")
            continue
        values[field.name] = numbers = tuple(float(number) for number in value)
        # No rate varies more between n probes than n times its mean.
        most = 1e6 if field.name == "fmr_dispersion" else 1.0
        if len(numbers) != length:
            raise ValueError("a curve and the thresholds differ in length")
        if not all(0 <= number <= most for number in numbers):
            raise ValueError(f"{key} holds a value that is not a rate")
    return Curve(**values)


def _compact(document: dict[str, Any]) -> str:
    """JSON with one line a list, so that a change can be read."""
    curves = document.pop("curves")
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in document.items()]
    inner = [
        "    {\n" + ",\n".join(f"      {json.dumps(n)}: {json.dumps(v)}" for n, v in c.items())
        + "\n    }"
        for c in curves
    ]  # fmt: skip
    lines.append('  "curves": [\n' + ",\n".join(inner) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"
