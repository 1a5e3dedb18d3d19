from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import folium
import pytest
from folium.plugins import Fullscreen

from workbench.errors import MapError
from workbench.maps.offline import (
    OfflineMap,
    iframe,
    save_map,
    self_contained_html,
    tile_origins,
)

TILES = "https://tiles.example/{z}/{x}/{y}.png"


def policy(page: str) -> str:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert found
    return found[1]


def test_page_holds_its_scripts_and_styles() -> None:
    page = self_contained_html(OfflineMap(location=(51.48, -0.01)))
    assert "Leaflet 1.9.4" in page
    assert not re.search(r"<script[^>]+src=|<link\b", page)


def test_policy_allows_nothing_but_the_page_itself() -> None:
    text = policy(self_contained_html(OfflineMap()))
    assert text.startswith("default-src 'none'; script-src 'sha256-")
    assert "img-src data:;" in text
    assert "unsafe-eval" not in text
    assert "'unsafe-inline'" not in text.split("style-src")[0]


def test_tile_server_is_the_one_other_place_for_pictures() -> None:
    text = policy(self_contained_html(OfflineMap(tiles=TILES, tiles_attribution="<b>Maps</b>")))
    assert "img-src data: https://tiles.example;" in text


def test_subdomains_of_a_tile_server_are_named_one_by_one() -> None:
    assert tile_origins("http://{s}.tiles.example:81/{z}/{x}/{y}.png") == (
        "http://a.tiles.example:81",
        "http://b.tiles.example:81",
        "http://c.tiles.example:81",
    )


@pytest.mark.parametrize(
    "tiles",
    [
        "tiles/{z}/{x}/{y}.png",
        "ftp://tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/map.png",
        "https://tiles.example; script-src */{z}/{x}/{y}.png",
        "https://*/{z}/{x}/{y}.png",
        'https://a"b/{z}/{x}/{y}.png',
        "https://tiles.example/{z}/{x}/{y}.png?{{ 7*7 }}",
        "https://user@tiles.example/{z}/{x}/{y}.png",
    ],
)
def test_a_tile_address_that_cannot_be_trusted_is_refused(tiles: str) -> None:
    with pytest.raises(MapError, match="not the address pattern of a tile server"):
        OfflineMap(tiles=tiles)


def test_stock_folium_map_is_refused() -> None:
    with pytest.raises(MapError, match="openstreetmap"):
        self_contained_html(folium.Map())
    with pytest.raises(MapError, match="jquery"):
        self_contained_html(folium.Map(tiles=None))


def test_plugin_that_is_not_kept_is_refused() -> None:
    drawn = OfflineMap()
    Fullscreen().add_to(drawn)
    with pytest.raises(MapError, match=r"leaflet\.fullscreen"):
        self_contained_html(drawn)


@pytest.mark.parametrize(
    "layer",
    [
        folium.TileLayer("https://other.example/{z}/{x}/{y}.png", attr="x"),
        folium.WmsTileLayer("https://other.example/wms", layers="a"),
        folium.raster_layers.ImageOverlay("https://other.example/a.png", [[0, 0], [1, 1]]),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layer_from_another_server_is_refused(layer: folium.map.Layer) -> None:
    drawn = OfflineMap(tiles=TILES)
    layer.add_to(folium.FeatureGroup().add_to(drawn))
    with pytest.raises(MapError, match=r"other\.example"):
        self_contained_html(drawn)


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://other.example/a.png">',
        "<iframe src=//other.example></iframe>",
        '<div style="background: url(http://other.example/a.png)"></div>',
        "<style>@import 'https://other.example/a.css';</style>",
        "<style>p { background: url('//other.example/a.png') }</style>",
        '<a href="https://other.example">more</a>',
        '<svg><image xlink:href="https://other.example/a.svg"/></svg>',
        '<link rel="preload" href="https://other.example/a.js">',
    ],
)
def test_html_that_asks_another_server_is_refused(html: str) -> None:
    drawn = OfflineMap()
    drawn.get_root().html.add_child(folium.Element(html))
    with pytest.raises(MapError, match=r"would load from another machine: .*other\.example"):
        self_contained_html(drawn)


def test_frame_has_no_access_to_the_page_around_it() -> None:
    frame = iframe('<p title="a">&</p>', height="300px")
    assert 'sandbox="allow-scripts"' in frame
    assert "allow-same-origin" not in frame
    assert 'srcdoc="&lt;p title=&quot;a&quot;&gt;&amp;&lt;/p&gt;"' in frame


def test_a_notebook_keeps_a_sentence_of_the_map() -> None:
    assert OfflineMap()._repr_html_().startswith("<p>A map, which is not saved with a notebook.")


def test_saving_writes_the_page(tmp_path: Path) -> None:
    path = tmp_path / "town.html"
    path.write_text("the map of yesterday")
    save_map(path, OfflineMap())
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [file.name for file in tmp_path.iterdir()] == ["town.html"]


def test_saving_as_folium_does_is_self_contained_too(tmp_path: Path) -> None:
    OfflineMap().save(tmp_path / "town.html")
    buffer = BytesIO()
    OfflineMap().save(buffer, close_file=False)
    for page in ((tmp_path / "town.html").read_bytes(), buffer.getvalue()):
        assert b"Content-Security-Policy" in page


def test_a_refused_map_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "town.html"
    path.write_text("the map of yesterday")
    with pytest.raises(MapError):
        save_map(path, folium.Map())
    assert path.read_text() == "the map of yesterday"


def test_saving_where_nobody_can_write_says_so(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"town\.html: cannot be written"):
        save_map(tmp_path / "absent" / "town.html", OfflineMap())
