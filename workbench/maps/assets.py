"""The scripts and styles that a map needs, kept with the package (docs/decisions/0001)."""

from __future__ import annotations

import base64
import json
import mimetypes
import posixpath
import re
from functools import cache
from importlib.resources import files

from workbench.errors import MapError

ROOT = files("workbench.maps") / "assets"
OWN = "sightline:"  # prefix of the addresses of our own files, such as sightline:sightings.js

# Leaflet finds its default marker by the address of its stylesheet, which an inlined one lacks.
DEFAULT_MARKER = """
L.Icon.Default.imagePath = "";
L.Icon.Default.mergeOptions({{iconUrl: "{0}", iconRetinaUrl: "{1}", shadowUrl: "{2}"}});
"""
MARKER_IMAGES = ("marker-icon.png", "marker-icon-2x.png", "marker-shadow.png")

_CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


@cache
def script(address: str) -> str:
    """The JavaScript that Folium knows by *address*; raise MapError if we do not keep it."""
    path = _path(address)
    text = _SOURCE_MAP.sub("", _text(path))
    if path == "leaflet/leaflet.js":
        images = (data_uri(f"leaflet/images/{name}") for name in MARKER_IMAGES)
        text += DEFAULT_MARKER.format(*images)
    return text


@cache
def style(address: str) -> str:
    """The CSS that Folium knows by *address*, images as data URIs; raise MapError if not kept."""
    path = _path(address)

    def embedded(match: re.Match[str]) -> str:
        target = match[1]
        if target.startswith(("data:", "#")):
            return match[0]
        return f"url({data_uri(posixpath.join(posixpath.dirname(path), target))})"

    return _CSS_ADDRESS.sub(embedded, _text(path))


def data_uri(path: str) -> str:
    """A kept file, by its path below the assets folder, as a ``data:`` address."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    data = ROOT.joinpath(path).read_bytes()
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _path(address: str) -> str:
    if address.startswith(OWN):
        return f"sightline/{address.removeprefix(OWN)}"
    try:
        return _addresses()[address]
    except KeyError:
        raise MapError(
            "is not kept on this machine",
            where=address,
            fix="Draw on an OfflineMap, or add the file with tools/vendor_map_assets.py",
        ) from None


@cache
def _addresses() -> dict[str, str]:
    addresses: dict[str, str] = json.loads(_text("manifest.json"))["addresses"]
    return addresses


def _text(path: str) -> str:
    # Browsers read CR LF as LF, and the checksums in our security policy must agree.
    return ROOT.joinpath(path).read_text(encoding="utf-8").replace("\r\n", "\n")
