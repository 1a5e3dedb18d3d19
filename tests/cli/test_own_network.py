"""A network of one's own on every door: imported, listed, indexed with, searched with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import networks
import pytest
from commands import Run
from documented import examples, typed

from workbench.casework.subjects import describe_subject
from workbench.cli.output import DONE, REFUSED
from workbench.errors import NotCalibrated
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.notebook import load_models
from workbench.widgets.components.agreement import agreement
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.search import SearchPanel

# As the document has them: imported without and with the licence, listed, shown and removed.
LINES = examples("docs/networks.md", "console")
NAME = {"mobilefacenet": "pooled"}


@pytest.fixture
def footage(tmp_path: Path, cuts: dict[str, Path]) -> Path:
    shutil.copyfile(cuts["Maren Holt"], tmp_path / "maren.mkv")
    (tmp_path / "footage.csv").write_text(
        "file,camera_id,started_at\nmaren.mkv,C1,2026-03-29T00:00:00+00:00\n"
    )
    (tmp_path / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n"
    )
    area = [[[-1, 51], [1, 51], [1, 52], [-1, 52], [-1, 51]]]
    (tmp_path / "area.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": area}))
    return tmp_path


@pytest.fixture
def own(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an imported profile, in a model home of its own."""
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path / "models"))
    networks.write_network(tmp_path)
    monkeypatch.chdir(tmp_path)
    network = "sightline models import mobilefacenet.onnx --profile mobilefacenet.toml"
    refused, said = typed(
        LINES[:2], run,
        words={"mobilefacenet": "pooled", "…": networks.LICENCE},
        statuses={f"{network} --accept": (DONE,), network: (REFUSED,)},
    )  # fmt: skip
    assert networks.LICENCE in refused.err
    assert "drawn at random" in refused.err  # what it was trained on
    assert "Self-test passed on 18 faces of 6 rendered people" in said.err
    return "pooled"


def test_an_imported_profile_works_on_every_door(
    run: Run, own: str, footage: Path, wanted: tuple[Path, ...], training: str
) -> None:
    rows = [json.loads(line) for line in run("models", "list", "--json").out.splitlines()]
    (row,) = [row for row in rows if row["name"] == own]
    assert (row["state"], row["licence"]) == ("imported", networks.LICENCE)
    _, shown_own = typed(LINES[2:4], run, words=NAME)
    shown = shown_own.out
    assert "drawn at random" in shown
    assert "Self-test passed on 18 faces" in " ".join(shown.split())

    gallery, other = footage / "own.duckdb", footage / "dlib.duckdb"
    said = run("index", footage, "--gallery", gallery, "--profile", own)
    assert said.status == DONE
    assert "neither split nor joined by what faces look like" in said.err
    assert run("index", footage, "--gallery", other).status == DONE
    with Gallery.open(gallery) as opened:
        assert opened.profile == load_models(own).profile
    assert "pooled" in run("gallery", "merge", gallery, other).err  # of another profile

    question = ["--case", training, "--gallery", gallery, "--probe", *wanted,
                "--district", footage / "area.geojson", "--from", "2026-03-29T00:00:00+00:00",
                "--to", "2026-03-30T00:00:00+00:00"]  # fmt: skip
    # Nothing says what its scores mean, and every door says so.
    for command in (("search",), ("map", "--output", footage / "map.html")):
        refused = run(*command, *question)
        assert refused.status == REFUSED
        assert "has no calibration, so there is no default threshold" in refused.err
        assert "sightline calibrate FOLDER --profile pooled" in refused.err
    page = SearchPanel(Investigation(gallery, installation=Installation.open()))
    assert "no default threshold" in page.words.value
    assert "sightline calibrate FOLDER --profile pooled" in page.words.value

    models, nowhere = load_models(own), footage / "calibrations"
    probe = make_probe(list(wanted), models=models)
    with pytest.raises(NotCalibrated, match="no default threshold"):
        describe_subject(probe, calibrations=nowhere)
    assert agreement(probe.photographs, models.profile, calibrations=nowhere).groups is None

    found = run("search", *question, "--threshold", "-1", "--json")
    assert found.status == DONE
    assert [json.loads(line)["recording"] for line in found.out.splitlines()] == ["maren.mkv"]

    typed(LINES[4:], run, words=NAME)
    refused = run("search", *question, "--threshold", "-1")
    assert refused.status == REFUSED
    assert "unknown profile" in refused.err
