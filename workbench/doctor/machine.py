"""Checks of the machine: packages, folders, decoders, networks, gallery and disk."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from workbench import __version__
from workbench.casework.disk_encryption import storage_of
from workbench.casework.record.people import read_people
from workbench.casework.register import FOLDER
from workbench.district import from_file
from workbench.errors import SightlineError, gallery_is_there
from workbench.faces import models, templates
from workbench.gallery.opening import is_gallery, read_location
from workbench.installation import Installation
from workbench.maps.basemap import read_base_map
from workbench.server.scratch import check_room
from workbench.settings import Settings

# DuckDB needs room beside the gallery to rewrite what it changes.
LEAST_FREE_BYTES = 2 * 2**30
DECODERS = ("h264", "hevc", "mpeg4", "mjpeg", "vp9", "av1")
PACKAGES = ("deepface", "duckdb", "av", "opencv-contrib-python-headless", "voila")


def looks(installation: Installation) -> dict[str, Callable[[], str]]:
    """List the checks by name; each returns what was found, or raises SightlineError."""
    chosen = installation.settings
    found: dict[str, Callable[[], str]] = {
        "Python and packages": _packages,
        "data folder": lambda: _place(chosen),
        "temporary files": lambda: str(check_room()),
        "video decoders": _decoders,
        f"model profile {chosen.profile}": lambda: _profile(chosen),
        "gallery": lambda: _gallery(installation),
        "rules": lambda: _rules(installation),
        "disk": lambda: _disk(chosen),
    }
    if chosen.base_map is not None:
        found["base map"] = lambda: _base_map(chosen)
    if chosen.districts is not None:
        found["districts"] = lambda: _districts(chosen)
    return found


def _packages() -> str:
    listed = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"Sightline {__version__}, Python {sys.version.split()[0]}, {listed}"


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


def _profile(chosen: Settings) -> str:
    """Load the networks and make one template, as indexing the first recording would."""
    with tempfile.TemporaryDirectory(prefix="sightline-doctor-") as name:
        # Loading puts weights into place and converts them; here, beside links to what is there.
        home = Path(name)
        _link(chosen.models.resolve(), home)
        loaded = models.load(chosen.profile, home=home)
        height, width = loaded.input_size
        template = templates.embed(loaded, [np.full((height, width, 3), 127, np.uint8)])
        return f"{loaded.profile.fingerprint}, templates of {template.shape[1]} numbers"


def _link(source: Path, target: Path) -> None:
    """Make the folders of *source* below *target*, with links to the files in them."""
    for path in source.rglob("*"):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir(parents=True)
        else:
            there.symlink_to(path.resolve())


def _gallery(installation: Installation) -> str:
    path = installation.settings.gallery_file
    if not gallery_is_there(path):
        return f"none yet at {path}"
    with installation.open_gallery(path) as gallery:
        recordings = len(gallery.recordings())
        return f"{path}: {recordings} recordings, profile {gallery.profile.name}"


def _rules(installation: Installation) -> str:
    if installation.ignored:
        raise SightlineError(
            "the installation is in service and has rules of its own; these are not followed",
            where=", ".join(installation.ignored),
            fix="Remove them; an administrator sets rules with `sightline installation set`",
        )
    return "as the installation's file says"


def _disk(chosen: Settings) -> str:

    gallery = chosen.gallery_file
    places = [chosen.home, gallery.parent, chosen.cache_folder]
    if is_gallery(gallery) and (parts := Path(read_location(gallery).storage)).is_absolute():
        places.append(parts)
    found = [storage_of(path) for path in places]
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
