"""Fetch the browser files that our maps use from npm, by exact version and checksum.

Run on a machine that reaches an npm registry, after changing PACKAGES::

    python tools/vendor_map_assets.py

The files are committed, so nobody else needs npm: see docs/decisions/0001-map-assets.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "workbench" / "maps" / "assets"


@dataclass(frozen=True)
class Package:
    """One npm package, the files we take from it, and the addresses Folium knows them by."""

    name: str
    version: str
    licence: str
    integrity: str  # of the tarball, as the npm registry publishes it
    files: dict[str, str]  # path in the package -> path below ASSETS
    addresses: dict[str, str]  # address that Folium names -> path below ASSETS


PACKAGES = (
    Package(
        name="leaflet",
        version="1.9.4",  # Folium 0.20 names 1.9.3; this is its last patch
        licence="BSD-2-Clause",
        integrity="sha512-nxS1ynzJOmOlHp+iL3FyWqK89GtNL8U8rvlMOsQdTTssxZwCXh8N2NB3GDQOL+YR3XnWyZAxwQixURb+FA74PA==",
        files={
            "package/LICENSE": "leaflet/LICENSE",
            "package/dist/leaflet.js": "leaflet/leaflet.js",
            "package/dist/leaflet.css": "leaflet/leaflet.css",
            "package/dist/images/layers.png": "leaflet/images/layers.png",
            "package/dist/images/layers-2x.png": "leaflet/images/layers-2x.png",
            "package/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
            "package/dist/images/marker-icon-2x.png": "leaflet/images/marker-icon-2x.png",
            "package/dist/images/marker-shadow.png": "leaflet/images/marker-shadow.png",
        },
        addresses={
            "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js": "leaflet/leaflet.js",
            "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.css": "leaflet/leaflet.css",
        },
    ),
)


def subresource_integrity(data: bytes, algorithm: str) -> str:
    """``sha256-<base64>``, the form that npm and browsers write."""
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def vendor(package: Package, assets: Path) -> dict[str, str]:
    """Unpack the wanted files below *assets*; return each with its checksum."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed; it is needed only to renew the map assets")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603
            [npm, "pack", "--silent", f"{package.name}@{package.version}"], cwd=folder, check=True
        )
        (tarball,) = Path(folder).glob("*.tgz")
        found = subresource_integrity(tarball.read_bytes(), "sha512")
        if found != package.integrity:
            raise SystemExit(f"{tarball.name} is {found}, expected {package.integrity}")
        checksums = {}
        with tarfile.open(tarball) as archive:
            for source, target in package.files.items():
                member = archive.extractfile(source)
                if member is None:
                    raise SystemExit(f"{tarball.name}: {source} is not a file")
                data = member.read()
                (assets / target).parent.mkdir(parents=True, exist_ok=True)
                (assets / target).write_bytes(data)
                checksums[target] = subresource_integrity(data, "sha256")
    return checksums


def main() -> None:
    """Copy the assets into the package."""
    manifest: dict[str, object] = {
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "licence": package.licence,
                "integrity": package.integrity,
                "files": vendor(package, ASSETS),
            }
            for package in PACKAGES
        ],
        "addresses": {k: v for package in PACKAGES for k, v in package.addresses.items()},
    }
    (ASSETS / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
