"""Check of an installation: what Sightline needs, what was found, and how to fix the rest."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from workbench.casework.disk_encryption import storage_of
from workbench.casework.record.audit import verify
from workbench.casework.record.people import read_people
from workbench.casework.register import FOLDER
from workbench.district import from_file
from workbench.errors import SightlineError
from workbench.faces import templates
from workbench.installation import Installation
from workbench.maps.basemap import read_base_map
from workbench.settings import Settings, load_settings

# DuckDB needs room beside the gallery to rewrite what it changes.
LEAST_FREE_BYTES = 2 * 2**30
DECODERS = ("h264", "hevc", "mpeg4", "mjpeg", "vp9", "av1")
PACKAGES = ("sightline", "deepface", "duckdb", "av", "opencv-contrib-python-headless", "voila")


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    what: str
    ok: bool
    found: str
    fix: str = ""  # empty if there is nothing to do


def examine() -> list[Finding]:
    """Run all checks; problems are returned as findings, never raised."""
    findings = [_look("settings", lambda: f"home is {load_settings().home.resolve()}")]
    if not findings[0].ok:
        return findings
    installation = Installation.open()
    chosen = installation.settings
    looks: dict[str, Callable[[], str]] = {
        "Python and packages": _packages,
        "data folder": lambda: _place(chosen),
        "video decoders": _decoders,
        f"model profile {chosen.profile}": lambda: _profile(installation),
        "gallery": lambda: _gallery(installation),
        "casework": lambda: _casework(chosen),
        "rules": lambda: _rules(installation),
        "disk": lambda: _disk(chosen),
    }
    if chosen.base_map is not None:
        looks["base map"] = lambda: _base_map(chosen)
    if chosen.districts is not None:
        looks["districts"] = lambda: _districts(chosen)
    return findings + [_look(what, look) for what, look in looks.items()]


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except SightlineError as error:
        return Finding(
            what, False, f"{error.where}: {error.what}" if error.where else error.what, error.fix
        )


def _packages() -> str:
    listed = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"Python {sys.version.split()[0]}, {listed}"


def _place(chosen: Settings) -> str:
    home = chosen.home
    existing = next(folder for folder in (home, *home.resolve().parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        raise SightlineError(
            "is not writable", where=str(home), fix="Set SIGHTLINE_HOME to another folder"
        )
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE_BYTES:
        raise SightlineError(
            f"only {free / 2**30:.1f} GiB are free", where=str(home), fix="Free space on this disk"
        )
    return f"{home.resolve()}, {free / 2**30:.0f} GiB free"


def _decoders() -> str:
    import av

    missing = [name for name in DECODERS if name not in av.codecs_available]
    if missing:
        raise SightlineError(
            f"cannot decode {', '.join(missing)}", where="PyAV", fix="Reinstall its official wheel"
        )
    return ", ".join(DECODERS)


def _profile(installation: Installation) -> str:
    """Load the networks and make one template, as indexing the first recording would."""

    models = installation.load_models()
    height, width = models.input_size
    template = templates.embed(models, [np.full((height, width, 3), 127, np.uint8)])
    return f"{models.profile.fingerprint}, templates of {template.shape[1]} numbers"


def _gallery(installation: Installation) -> str:
    path = installation.settings.gallery_file
    if not path.exists():
        return f"none yet at {path}"
    with installation.open_gallery(path) as gallery:
        recordings = len(gallery.recordings())
        return f"{path}: {recordings} recordings, profile {gallery.profile.name}"


def _casework(chosen: Settings) -> str:

    folder = chosen.home / FOLDER
    if not folder.exists():
        return "none yet; training only, until a role is granted with `sightline people grant`"
    found, people = verify(folder), read_people(folder)
    if not found.sound:
        raise SightlineError(
            f"the audit record was altered ({found.faults[0]})",
            where=str(folder),
            fix="Run `sightline audit verify`",
        )
    state = f"{len(people.roles)} people" if people.in_service else "training only"
    return f"{state}; audit record of {found.entries} entries, intact"


def _rules(installation: Installation) -> str:
    if installation.ignored:
        raise SightlineError(
            "the installation is in service and has rules of its own; these are not followed",
            where=", ".join(installation.ignored),
            fix="Remove them; an administrator sets rules with `sightline installation set`",
        )
    return "as the installation's file says"


def _disk(chosen: Settings) -> str:

    found = [storage_of(path) for path in (chosen.home, chosen.gallery_file.parent)]
    states = ", ".join(sorted({f"{storage.device}: {storage.state}" for storage in found}))
    plain = [storage for storage in found if storage.state != "encrypted"]
    if not plain:
        return states
    if read_people(chosen.home / FOLDER).in_service:
        raise SightlineError(
            f"is not known to be encrypted ({states})",
            where=str(plain[0].path),
            fix="Move it to an encrypted disk (LUKS): Sightline does not encrypt its files",
        )
    return f"{states}; an installation in service needs an encrypted disk (LUKS)"


def _base_map(chosen: Settings) -> str:

    assert chosen.base_map is not None
    return f"{len(read_base_map(chosen.base_map).geojson['features'])} features"


def _districts(chosen: Settings) -> str:

    assert chosen.districts is not None
    files = sorted(chosen.districts.glob("*.geojson"))
    if not files:
        raise SightlineError(
            "holds no GeoJSON file", where=str(chosen.districts), fix="Set SIGHTLINE_DISTRICTS"
        )
    return ", ".join(from_file(file).name for file in files)
