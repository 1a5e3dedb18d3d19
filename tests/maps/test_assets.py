from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import folium
import pytest

from workbench.errors import MapError
from workbench.maps import assets
from workbench.maps.offline import OfflineMap

FOLDER = Path(assets.__file__).parent / "assets"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
VENDORED = {path: checksum for p in MANIFEST["packages"] for path, checksum in p["files"].items()}


@pytest.mark.parametrize("path", sorted(VENDORED))
def test_each_kept_file_is_the_published_one(path: str) -> None:
    digest = hashlib.sha256((FOLDER / path).read_bytes()).digest()
    assert f"sha256-{base64.b64encode(digest).decode()}" == VENDORED[path]


def test_nothing_is_kept_that_the_manifest_does_not_list() -> None:
    files = {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*") if p.is_file()}
    ours = {path for path in files if path.startswith("sightline/")}
    assert files - ours == {*VENDORED, "manifest.json"}


def test_each_package_comes_with_its_licence() -> None:
    for package in MANIFEST["packages"]:
        assert any(path.endswith("LICENSE") for path in package["files"]), package["name"]


def test_every_address_of_our_map_is_kept() -> None:
    for _, address in OfflineMap.default_js:
        assert assets.script(address)
    for _, address in OfflineMap.default_css:
        assert assets.style(address)


def test_our_map_leaves_folium_as_it_was() -> None:
    assert any(name == "jquery" for name, _ in folium.Map.default_js)
    assert [name for name, _ in OfflineMap.default_js] == ["leaflet", "sightline"]


def test_inlined_text_cannot_end_its_element() -> None:
    for _, address in OfflineMap.default_js:
        text = assets.script(address).lower()
        assert "</script" not in text
        assert "<!--" not in text
    for _, address in OfflineMap.default_css:
        assert "</style" not in assets.style(address).lower()


def test_styles_carry_their_images_inside() -> None:
    css = assets.style(OfflineMap.default_css[0][1])
    assert "url(data:image/png;base64," in css
    assert "images/" not in css


def test_unknown_address_is_refused_with_a_way_out() -> None:
    with pytest.raises(MapError, match=r"https://cdn\.example/x\.js: is not kept on this machine"):
        assets.script("https://cdn.example/x.js")
