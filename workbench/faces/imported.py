"""Networks of one's own: a profile in one TOML file, kept beside its ONNX file in the model home.

They are brought by :func:`workbench.faces.importing.import_network`. A profile is known by the
checksum of its network and by how its chips are made: whatever it is named, its fingerprint is the
same on every machine.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from workbench.calibration.files import IMPORTED
from workbench.domain import Metric, Profile
from workbench.errors import ModelError
from workbench.faces import profiles
from workbench.faces.profiles import DETECTORS, Alignment, Channels, Layout, Pixels, Recogniser
from workbench.faces.track_limits import TrackLimits
from workbench.faces.weights import ModelRow, folder
from workbench.footage.files import sha256_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below the weights of the model home, one folder for each profile, with three files.
FOLDER = "imported"
PROFILE, NETWORK, SELF_TEST = "profile.toml", "network.onnx", "self_test.json"

LARGEST_PROFILE = 64 * 2**10  # bytes
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[^/\\\x00-\x1f]{1,200}")
_SIDES, _DIMENSIONS = (16, 1024), (8, 8192)
_LONGEST = 2000  # characters of a text
_KEYS = {
    "name", "file", "sha256", "licence", "source", "training", "detector", "alignment", "metric",
    "dimension", "input", "tracks",
}  # fmt: skip
_INPUT_KEYS = {"width", "height", "layout", "channels", "mean", "scale"}
_TRACK_KEYS = {"split_below", "join_from", "measured_on"}


@dataclass(frozen=True, slots=True)
class ImportedProfile:
    """Profile of a network of one's own, as its TOML file states it."""

    name: str
    file: str  # name under which the network was published
    sha256: str
    licence: str  # in words
    source: str
    training: str  # the data that the network was trained on, and what that means
    detector: str
    alignment: Alignment
    metric: Metric
    dimension: int
    input_size: tuple[int, int]  # height, width in pixels
    pixels: Pixels
    tracks: TrackLimits | None = None

    @property
    def words(self) -> str:
        """Which network it is, where it is from, and what it was trained on."""
        return (
            f"{self.file} (SHA-256 {self.sha256}), from {self.source}. Licence: {self.licence}. "
            f"Trained on: {self.training}."
        )

    @property
    def recogniser(self) -> Recogniser:
        """The recogniser, named after the checksum of its network."""
        return Recogniser(
            name=f"{IMPORTED}{self.sha256[:12]}",
            dimension=self.dimension,
            input_size=self.input_size,
            alignment=self.alignment,
            normalisation=self.pixels,
            metric=self.metric,
        )

    def profile(self, weights: tuple[tuple[str, str], ...]) -> Profile:
        """The profile with the *weights* of its detector, given as file names and SHA-256."""
        height, width = self.input_size
        return Profile(
            name=self.name,
            detector=self.detector,
            recogniser=self.recogniser.name,
            alignment=self.alignment,
            metric=self.metric,
            dimension=self.dimension,
            # Named alike everywhere, whatever the file was called.
            weights=tuple(sorted({*weights, (NETWORK, self.sha256)})),
            # Chips made otherwise give other templates, so what a Profile lacks is named here.
            version=f"1, {width}x{height} {self.pixels}",
        )


def home_of(name: str, home: Path) -> Path:
    """Folder of an imported profile's files in the model home *home*, there or not."""
    return folder(home) / FOLDER / name


def names(home: Path) -> list[str]:
    """Names of the profiles that were imported into the model home *home*, sorted."""
    found = (path.parent.name for path in home_of("", home).glob(f"*/{PROFILE}"))
    return sorted(name for name in found if _NAME.fullmatch(name))  # not those half imported


def find(name: str, home: Path) -> ImportedProfile | None:
    """Imported profile of that name, or None; raise ModelError if its file cannot be used."""
    if not _NAME.fullmatch(name):
        return None
    path = home_of(name, home) / PROFILE
    if not path.is_file():
        return None
    found = read_profile(path)
    if found.name != name:
        raise ModelError(
            f"is the profile {found.name}, in the folder of {name}",
            where=str(path),
            fix="Remove the folder and import the network again",
        )
    return found


def words_of(profile: Profile, home: Path) -> str:
    """Words on the network of a profile, if it was imported; else nothing."""
    own = find(profile.name, home)
    return own.words if own else ""


def find_same(wanted: Profile, home: Path) -> ImportedProfile | None:
    """Imported profile with the network and the input of *wanted*, under whatever name."""
    if not any(file == NETWORK for file, _ in wanted.weights):
        return None
    for name in names(home):
        found = find(name, home)
        if (
            found is not None
            and (NETWORK, found.sha256) in wanted.weights
            and found.profile(wanted.weights).fingerprint == wanted.fingerprint
        ):
            return found
    return None


def require(own: ImportedProfile, home: Path) -> tuple[tuple[str, str], ...]:
    """File name and SHA-256 of the network; raise ModelError if it is missing or another."""
    path = home_of(own.name, home) / NETWORK
    digest = sha256_of(path) if path.is_file() else None
    if digest != own.sha256:
        raise ModelError(
            "its network is not the one that was imported"
            if digest
            else "its network is not on this machine",
            where=f"profile {own.name}",
            fix=f"Remove it with `sightline models remove {own.name}` and import it again",
        )
    return ((NETWORK, digest),)


def imported_table(home: Path) -> list[ModelRow]:
    """List the imported networks as :func:`workbench.faces.weights.models_table` lists others."""
    rows = []
    for name in names(home):
        path = home_of(name, home) / NETWORK
        size = path.stat().st_size if path.is_file() else None
        try:
            own = find(name, home)
            if own is None:
                continue  # removed meanwhile
            require(own, home)
            tested = self_test(own, home)
        except ModelError as error:
            rows.append(
                ModelRow(name, "recogniser", NETWORK, "wrong content", str(error), None, size, (),
                         "imported")
            )  # fmt: skip
            continue
        rows.append(
            ModelRow(name, "recogniser", own.file, "imported", own.licence, None, size,
                     (own.sha256,), own.source, own.training, tested.words)
        )  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """Record of the self-test of a network."""

    # (n, dimension): what it gave for noise
    noise_templates: NDArray[np.float32] = field(repr=False)
    words: str  # when it was, and its result


def self_test(own: ImportedProfile, home: Path) -> Tested:
    """Read the record of the self-test when the network was imported.

    Raises ModelError if there is no such record, or the profile was changed since.
    """
    path = home_of(own.name, home) / SELF_TEST
    tested = None
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        tested, known = record["profile"], np.array(record["noise_templates"], np.float32)
        if tested == stated(own) and known.ndim == 2 and known.shape[1] == own.dimension:
            return Tested(known, f"{str(record['imported_at'])[:10]}. {record['words']}")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # as one that is not there
    raise ModelError(
        "was changed since its self-test"
        if tested not in (None, stated(own))
        else "has no record of a self-test that can be used",
        where=f"profile {own.name}",
        fix=f"Remove it with `sightline models remove {own.name}` and import it again",
    )


def stated(own: ImportedProfile) -> str:
    """One line with all that decides how templates are made, which the self-test was of."""
    return repr((own.sha256, own.recogniser.name, own.detector, own.alignment, own.metric,
                 own.dimension, own.input_size, str(own.pixels)))  # fmt: skip


def read_profile(path: Path) -> ImportedProfile:
    """Read a profile from a TOML file.

    Raises
    ------
    ModelError
        If it cannot be read, lacks a key, has one that is not known, or a value that cannot be.
    """
    if not path.is_file():
        raise ModelError("is not a file", where=str(path), fix="Name a TOML file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_PROFILE + 1)
        if len(content) > LARGEST_PROFILE:
            raise ValueError(f"more than {LARGEST_PROFILE >> 10} KiB")
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror})", where=str(path), fix="Name a TOML file"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"is not a TOML file ({str(error)[:100]})",
            where=str(path),
            fix="Write one as in docs/networks.md",
        ) from None
    try:
        return _profile(document)
    except _Unfit as error:
        raise ModelError(str(error), where=str(path), fix=error.fix) from None


class _Unfit(Exception):  # carries what is wrong to where the file is known
    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def _profile(document: Mapping[str, Any]) -> ImportedProfile:
    _check_keys(document, _KEYS, optional={"tracks"}, where="")
    pixels = document["input"]
    if not isinstance(pixels, dict):
        raise _Unfit("input is not a table", "Write [input] on a line of its own, then its keys")
    _check_keys(pixels, _INPUT_KEYS, where="input.")
    name = _text(document, "name")
    if not _NAME.fullmatch(name) or name in profiles.NAMED or name == "imported":
        raise _Unfit(
            f"name is {name!r}",
            "Use small letters, digits, dots, hyphens and underscores, and no name that Sightline "
            f"uses itself ({', '.join(profiles.NAMED)})",
        )
    digest = _text(document, "sha256").lower()
    if not _SHA256.fullmatch(digest):
        raise _Unfit("sha256 is not 64 hexadecimal digits", "Write what `sha256sum` says")
    file = _text(document, "file")
    if not _FILE.fullmatch(file):
        raise _Unfit("file is not the name of a file", "Write the name without its folder")
    licence = _text(document, "licence")
    if len(licence.split()) < 3:
        raise _Unfit(
            f"licence is {licence!r}, which says too little",
            "Write the licence of the weights in words: its name, who states it, and what it "
            "allows; or that it is not known",
        )
    detector, alignment = (
        _one_of(document, "detector", DETECTORS),
        _one_of(document, "alignment", get_args(Alignment)),
    )
    size = _whole(pixels, "height", _SIDES, "input."), _whole(pixels, "width", _SIDES, "input.")
    if alignment == "dlib-chip" and size[0] != size[1]:
        raise _Unfit(
            f"input is {size[1]} by {size[0]} pixels, and dlib's chips are squares",
            "Make width and height the same, or choose another alignment",
        )
    return ImportedProfile(
        name=name,
        file=file,
        sha256=digest,
        licence=licence,
        source=_text(document, "source"),
        training=_text(document, "training"),
        detector=detector,
        alignment=alignment,  # type: ignore[arg-type] # one of its values
        metric=_one_of(document, "metric", get_args(Metric)),  # type: ignore[arg-type]
        dimension=_whole(document, "dimension", _DIMENSIONS),
        input_size=size,
        pixels=Pixels(
            layout=_one_of(pixels, "layout", get_args(Layout), "input."),  # type: ignore[arg-type]
            channels=_one_of(pixels, "channels", get_args(Channels), "input."),  # type: ignore[arg-type]
            mean=_three(pixels, "mean", lambda n: 0 <= n <= 255, "lies between 0 and 255"),
            scale=_three(pixels, "scale", lambda n: 0 < n <= 255, "lies above 0, up to 255"),
        ),
        tracks=_tracks(document["tracks"]) if "tracks" in document else None,
    )


def _tracks(table: Any) -> TrackLimits:
    if not isinstance(table, dict):
        raise _Unfit("tracks is not a table", "Write [tracks] on a line of its own, then its keys")
    _check_keys(table, _TRACK_KEYS, where="tracks.")
    split, join = (_number(table[key], f"tracks.{key}") for key in ("split_below", "join_from"))
    measured_on = _text(table, "measured_on", "tracks.")
    try:
        return TrackLimits(split, join, measured_on)
    except ValueError:
        raise _Unfit(
            f"tracks.split_below is {split:g} and tracks.join_from {join:g}",
            "They are scores: at most 1, and the first not above the second. Leave the table out "
            "unless they were measured; `sightline calibrate` measures them",
        ) from None


def _check_keys(
    table: Mapping[str, Any],
    known: Set[str],
    *,
    optional: Set[str] = frozenset(),
    where: str,
) -> None:
    for what, which in (
        ("lacks", known - optional - table.keys()),
        ("has the unknown key", table.keys() - known),
    ):
        if which:
            listed = ", ".join(f"{where}{key}" for key in sorted(map(str, which)))[:200]
            raise _Unfit(
                f"{what} {listed}",
                f"Its keys are {', '.join(f'{where}{key}' for key in sorted(known))}",
            )


def _text(table: Mapping[str, Any], key: str, where: str = "") -> str:
    value = table[key]
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise _Unfit(
            f"{where}{key} is not a text of 1 to {_LONGEST} characters",
            f'Write it in quotes: {key} = "…"',
        )
    return text


def _one_of(table: Mapping[str, Any], key: str, known: tuple[str, ...], where: str = "") -> str:
    value = table[key]
    if value not in known:
        raise _Unfit(f"{where}{key} is {str(value)[:60]!r}", f"Use one of {', '.join(known)}")
    return str(value)


def _whole(table: Mapping[str, Any], key: str, ends: tuple[int, int], where: str = "") -> int:
    value = table[key]
    if type(value) is not int or not ends[0] <= value <= ends[1]:
        raise _Unfit(
            f"{where}{key} is {str(value)[:60]!r}",
            f"Write a whole number from {ends[0]} to {ends[1]}",
        )
    return value


def _number(value: Any, key: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _Unfit(f"{key} is {str(value)[:60]!r}", "Write a number")
    return float(value)


def _three(
    table: Mapping[str, Any], key: str, fits: Callable[[float], bool], words: str
) -> tuple[float, float, float]:
    """One number for all channels, or three in the order of the channels."""
    value = table[key]
    values = value if isinstance(value, list) else [value] * 3
    numbers = [_number(one, f"input.{key}") for one in values]
    if len(numbers) != 3 or not all(map(fits, numbers)):
        raise _Unfit(
            f"input.{key} is {str(value)[:60]}",
            f"Write one number, or three in the order of the channels; each {words}",
        )
    return numbers[0], numbers[1], numbers[2]
