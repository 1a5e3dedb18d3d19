"""Write docs/third-party.md, and a bill of materials: what of others an installation holds.

Names and versions are those of requirements.lock; licences are what the installed packages say of
themselves, and libraries inside them what lies in their folders, as they are on Linux. What cannot
be established is said to be unknown, or stops the script.

``python -m tools.third_parties`` writes the page, ``--check`` says whether it is what the lock and
the packages give, ``--sbom FILE`` writes a CycloneDX document (JSON, version 1.6).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workbench.faces.sources import UNUSED, WEIGHTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/third-party.md"
LOCK = ROOT / "requirements.lock"
VENDORED = ROOT / "workbench/maps/assets/manifest.json"
UNKNOWN = "unknown"

# What packages write in place of an SPDX expression, where it can mean one licence alone.
_MEANT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "Boost Software License": "BSL-1.0",
    "ISC license": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "PSFL": "PSF-2.0",
    "The MIT License (MIT)": "MIT",
    "ISC License (ISCL)": "ISC",
}

# Libraries that wheels bring along, by the beginning of their file's name.
_GPL = "GPL-2.0-or-later"
_LGPL = "LGPL-2.1-or-later"
_EITHER = "LGPL-3.0-or-later OR GPL-2.0-or-later"
_RUNTIME = "GPL-3.0-or-later WITH GCC-exception-3.1"
LIBRARIES = {
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libXau": "MIT",
    "libaom": "BSD-2-Clause",
    "libasound": _LGPL,
    "libavcodec": _LGPL,
    "libavdevice": _LGPL,
    "libavfilter": _LGPL,
    "libavformat": _LGPL,
    "libavif": "BSD-2-Clause",
    "libavutil": _LGPL,
    "libbrotlicommon": "MIT",
    "libbrotlidec": "MIT",
    "libcrypto": "OpenSSL",
    "libdav1d": "BSD-2-Clause",
    "libde265": "LGPL-3.0-or-later",
    "libdrm": "MIT",
    "libfreetype": "FTL OR GPL-2.0-or-later",
    "libgeos": _LGPL,
    "libgfortran": _RUNTIME,
    "libgmp": _EITHER,
    "libgnutls": _LGPL,
    "libgomp": _RUNTIME,
    "libharfbuzz": "MIT-Modern-Variant",
    "libheif": "LGPL-3.0-or-later",
    "libhogweed": _EITHER,
    "libjpeg": "IJG AND BSD-3-Clause",
    "liblcms2": "MIT",
    "liblzma": "0BSD",
    "libmp3lame": "LGPL-2.0-or-later",
    "libnettle": _EITHER,
    "libopenblas": "BSD-3-Clause",
    "libopencore-amr": "Apache-2.0",
    "libopenjp2": "BSD-2-Clause",
    "libopus": "BSD-3-Clause",
    "libpng16": "libpng-2.0",
    "libquadmath": "LGPL-2.1-or-later",
    "libscipy_openblas": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libsodium": "ISC",
    "libssl": "OpenSSL",
    "libswresample": _LGPL,
    "libswscale": _LGPL,
    "libtiff": "libtiff",
    "libunistring": _EITHER,
    "libvpl": "MIT",
    "libvpx": "BSD-3-Clause",
    "libwebp": "BSD-3-Clause",
    "libx264": _GPL,
    "libx265": _GPL,
    "libxcb": "MIT",
    "libzmq": "MPL-2.0",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
}
_FFMPEG = ("libav", "libsw")  # but for libavif
# Wheels add to a name a hash of the file, in front of its version; OpenBLAS has two of these.
_LIBRARY = re.compile(r"(lib[\w-]+?)(?:-r\d+)?(?:-[0-9a-f]{8})*(?:\.\d+)*\.so(?:\.\w+)*")


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of the lock: a package at a version, on the machines that the marker is about."""

    name: str
    version: str
    marker: str = ""

    def applies(self) -> bool:
        """Check that it is for this machine and this Python."""
        return not self.marker or Marker(self.marker).evaluate()

    def on_linux(self) -> bool:
        """Check that it is for Linux, whatever the version of Python."""
        about = {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"}
        return not self.marker or any(
            Marker(self.marker).evaluate(
                {**about, "python_version": version[:4], "python_full_version": version}
            )
            for version in ("3.11.0", "3.11.9", "3.12.9", "3.13.9", "3.14.9")
        )


def pins(lock: Path = LOCK) -> list[Pin]:
    """List what the lock holds, in its order."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\\n]+))?", lock.read_text(), re.M)
    return [Pin(name, version, marker.strip()) for name, version, marker in found]


def installed(pin: Pin) -> Distribution:
    """Find the installed package; raise SystemExit if it is not there at the lock's version."""
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        raise SystemExit(f"{pin.name} is not installed: install requirements.lock") from None
    if found.version != pin.version:
        raise SystemExit(f"{pin.name} is {found.version} here and {pin.version} in the lock")
    return found


def licence_of(package: Distribution) -> str:
    """Licence as an SPDX expression, by what the package says; *unknown* if that cannot be told."""
    said = package.metadata
    about = [said["License-Expression"], said["License"]]
    about += [
        line.rpartition(" :: ")[2]
        for line in said.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    for words in filter(None, about):
        try:
            return canonicalize_license_expression(_MEANT.get(words, words))
        except InvalidLicenseExpression:
            continue  # prose, or the whole text: what follows may be plainer
    text = "\n".join(
        Path(str(file.locate())).read_text("utf-8", "replace")
        for file in package.files or ()
        if re.match(r"licen[cs]e|copying", file.name, re.IGNORECASE)
    )
    if "Redistribution and use in source and binary forms" in text:
        return "BSD-3-Clause" if re.search(r"[Nn]either\s+the\s+name", text) else "BSD-2-Clause"
    return UNKNOWN


def libraries_of(package: Distribution) -> list[tuple[str, str]]:
    """Libraries that a wheel brings in a folder of its own, each with its licence.

    Raises SystemExit for one of which nothing is known here: it is to be looked up.
    """
    found = {}
    for file in package.files or ():
        folder, match = file.parts[0], _LIBRARY.fullmatch(file.name)
        if match and folder.endswith(".libs"):
            known = [each for each in LIBRARIES if match[1].startswith(each)]
            if not known:
                raise SystemExit(f"{package.name}: the licence of {match[1]} is not known")
            found[match[1]] = LIBRARIES[max(known, key=len)]
    # Built with --enable-version3, as this library demands, FFmpeg says this of itself.
    if "libopencore-amrnb" in found:
        for name in found:
            if name.startswith(_FFMPEG) and not name.startswith("libavif"):
                found[name] = "LGPL-3.0-or-later"
    return sorted(found.items())


def _rows() -> Iterator[str]:
    by_name: dict[str, list[Pin]] = {}
    for pin in pins():
        if pin.on_linux():
            by_name.setdefault(pin.name, []).append(pin)
    for name, lines in by_name.items():
        here = next(pin for pin in lines if pin.applies())
        versions = ", ".join(dict.fromkeys(pin.version for pin in lines))
        yield f"| {name} | {versions} | {licence_of(installed(here))} |"


def _bundled() -> Iterator[str]:
    for pin in pins():
        if not pin.applies():
            continue
        by_licence: dict[str, list[str]] = {}
        for library, licence in libraries_of(installed(pin)):
            by_licence.setdefault(licence, []).append(library)
        for licence, names in sorted(by_licence.items()):
            yield f"| {pin.name} | {licence} | {', '.join(names)} |"


def page() -> str:
    """Return the text of docs/third-party.md."""
    vendored = json.loads(VENDORED.read_text())["packages"]
    elsewhere = sorted({pin.name for pin in pins() if not pin.on_linux()})
    embedded = [weight for weight in WEIGHTS if weight.embedded]
    return "\n".join(
        [
            "# Third parties",
            "",
            "<!-- Written by `python -m tools.third_parties` (`make lock`): change that. -->",
            "",
            "Sightline is under the Apache Licence 2.0. This page lists what else an installation "
            "holds, and under which terms: what packages say of themselves, as SPDX expressions. "
            "It is not legal advice. `make sbom` writes the same for programs, as a CycloneDX "
            "document.",
            "",
            "## In this repository and in the wheel",
            "",
            "| what | version | licence | where |",
            "| --- | --- | --- | --- |",
            *(
                f"| {one['name']} | {one['version']} | {one['licence']} | "
                f"`workbench/maps/assets/{one['name']}`, unchanged from npm; "
                f"[its text](../LICENSES/{one['name']}.txt) |"
                for one in vendored
            ),
            "",
            "Nothing else is of others: no fonts, no pictures, no map data. People, streets and "
            "films of the demo are drawn by `tools/fennmouth`, and the pictures in these documents "
            "show them; both are under Sightline's own licence. The calibrations hold figures and "
            "centroids of many templates, from public sets of photographs: no photograph, and no "
            "one person's template.",
            "",
            "## Weights that come with packages",
            "",
            "| file | licence | |",
            "| --- | --- | --- |",
            *(f"| `{each.file}` | {each.licence} | used |" for each in embedded),
            *(
                f"| `{Path(each.file).name}` | {each.licence} | never used: no code of Sightline "
                "or DeepFace opens it, and it may be deleted |"
                for each in UNUSED
            ),
            "",
            "Others are brought along by people: `sightline models list` has their terms.",
            "",
            "## Packages",
            "",
            "What `requirements.lock` installs on Linux; of two versions the second is for newer "
            f"versions of Python. On other systems alone: {', '.join(elsewhere)}.",
            "",
            "| package | version | licence |",
            "| --- | --- | --- |",
            *_rows(),
            "",
            "The extras add JupyterHub (`hub`, BSD-3-Clause), psycopg (`postgres`, LGPL-3.0-only) "
            "and Ray (`cluster`, Apache-2.0), with what these need.",
            "",
            "## Libraries inside packages",
            "",
            "Wheels bring compiled libraries in a folder of their own (`NAME.libs`); the licence "
            "of a package above is that of its own code. **In PyAV's, FFmpeg says of itself that "
            "it is under the LGPL, and is linked with the encoders x264 and x265, which are under "
            "the GPL.** That concerns those who pass the wheel on, or an image with it; it does "
            "not concern those who use it. Sightline decodes with it, and makes the clips of "
            "evidence with x264.",
            "",
            "| package | licence | libraries |",
            "| --- | --- | --- |",
            *_bundled(),
            "",
        ]
    )


def _licences(expression: str) -> list[dict[str, Any]]:
    if expression == UNKNOWN:
        return []
    if " " in expression:
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{canonicalize_name(name)}@{version}"


def _wanted(ours: Sequence[str], packages: Mapping[str, Distribution]) -> dict[str, set[str]]:
    """Names that each package needs here, with the extras that others ask of it; ours under ``""``.

    Extras add requirements, which may ask for further extras: until nothing is new.
    """
    said = {"": list(ours), **{name: each.requires or [] for name, each in packages.items()}}
    lines = {
        name: [one for one in map(Requirement, each) if canonicalize_name(one.name) in packages]
        for name, each in said.items()
    }
    extras: dict[str, set[str]] = {name: {""} for name in lines}
    while True:
        found: dict[str, set[str]] = {name: set() for name in lines}
        known = sum(map(len, extras.values()))
        for name, requirements in lines.items():
            for one in requirements:
                target = canonicalize_name(one.name)
                if one.marker is None or any(
                    one.marker.evaluate({"extra": extra}) for extra in extras[name]
                ):
                    found[name].add(target)
                    extras[target] |= one.extras
        if sum(map(len, extras.values())) == known:
            return found


def bill() -> dict[str, Any]:
    """Return a CycloneDX document of what the lock installs on this machine, and what it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    here = {canonicalize_name(pin.name): pin for pin in pins() if pin.applies()}
    addresses = {name: _purl(name, pin.version) for name, pin in here.items()}

    wanted = _wanted(project["dependencies"], {name: installed(pin) for name, pin in here.items()})

    def needs(name: str) -> list[str]:
        return sorted(addresses[each] for each in wanted[name])

    components, dependencies = [], []
    for name, pin in here.items():
        package = installed(pin)
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": addresses[name],
            "name": pin.name,
            "version": pin.version,
            "purl": addresses[name],
            "licenses": _licences(licence_of(package)),
        }
        if inside := libraries_of(package):
            component["components"] = [
                {"type": "library", "name": library, "licenses": _licences(licence)}
                for library, licence in inside
            ]
        components.append(component)
        dependencies.append({"ref": addresses[name], "dependsOn": needs(name)})
    for one in json.loads(VENDORED.read_text())["packages"]:
        address = f"pkg:npm/{one['name']}@{one['version']}"
        components.append(
            {
                "type": "library",
                "bom-ref": address,
                "name": one["name"],
                "version": one["version"],
                "purl": address,
                "licenses": _licences(one["licence"]),
            }
        )
        dependencies.append({"ref": address, "dependsOn": []})
    own = _purl(project["name"], project["version"])
    bundled = [one["bom-ref"] for one in components if one["bom-ref"].startswith("pkg:npm/")]
    dependencies.append({"ref": own, "dependsOn": needs("") + bundled})
    # The same contents have the same number, whenever they are written.
    content = json.dumps([components, dependencies], sort_keys=True)
    made = datetime.fromtimestamp(
        float(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(UTC).timestamp())), UTC
    )
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + content)}",
        "version": 1,
        "metadata": {
            "timestamp": made.isoformat(timespec="seconds"),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "purl": own,
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }


def main(given: Sequence[str] | None = None) -> int:
    """Write the page, check it, or write the bill of materials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write a CycloneDX document")
    options = parser.parse_args(given)
    if options.sbom is not None:
        options.sbom.parent.mkdir(parents=True, exist_ok=True)
        options.sbom.write_text(json.dumps(bill(), indent=2) + "\n", encoding="utf-8")
        return 0
    text = page()
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{PAGE.name} is behind: run python -m tools.third_parties\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
