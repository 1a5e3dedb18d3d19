"""Weights: placed, checked, imported, and never fetched by surprise."""

from __future__ import annotations

import bz2
import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.domain import Profile
from workbench.errors import ModelError, NotCalibrated
from workbench.faces import weights
from workbench.faces.models import Models, _from_this_machine, load
from workbench.faces.profiles import DETECTORS, RECOGNISERS, calibrated_threshold, pair
from workbench.faces.sources import BUNDLED, WEIGHTS


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_the_embedded_profile_needs_nothing_but_packages(tmp_path: Path) -> None:
    models = load("dlib", home=tmp_path)
    assert models.profile.dimension == 128
    assert [name for name, _ in models.profile.weights] == [
        "dlib_face_recognition_resnet_model_v1.dat",
        "shape_predictor_5_face_landmarks.dat",
    ]
    assert (tmp_path / ".deepface" / "weights").is_dir()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["yunet-dlib", "dlib+ArcFace", "retinaface+facenet512"])
def test_missing_weights_are_told_not_fetched(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"not on this machine.*sightline models (fetch|import)"):
        load(name, home=tmp_path)


@pytest.mark.usefixtures("no_network")
def test_deepface_itself_cannot_download(tmp_path: Path) -> None:
    with _from_this_machine(tmp_path):
        from deepface.modules import modeling

        with pytest.raises(ModelError, match="DeepFace asks for"):
            modeling.build_model("facial_attribute", "Emotion")


@pytest.mark.parametrize("name", ["", "nobody", "dlib+", "+Dlib", "dlib+nobody", "dlib+Dlib+x"])
def test_an_unknown_profile_is_told(name: str) -> None:
    with pytest.raises(ModelError, match="unknown profile"):
        pair(name)


def test_yunet_works_once_its_file_is_imported(
    shared: Path, tmp_path: Path, models: Models
) -> None:
    weight = weights.import_file(shared / "models" / "yunet_n_640_640.onnx", tmp_path)
    assert weight.model == "yunet"
    yunet = load("yunet-dlib", home=tmp_path)
    assert yunet.profile.fingerprint != models.profile.fingerprint
    row = next(row for row in weights.models_table(tmp_path) if row.name == "yunet")
    assert row.state == "here"


def test_yunet_says_nothing_on_standard_error(shared: Path, tmp_path: Path, portrait: Path) -> None:
    """What OpenCV says itself passes Python by, so that only another process shows it."""
    weights.import_file(shared / "models" / "yunet_n_640_640.onnx", tmp_path)
    script = (
        "import pathlib, sys\n"
        "from workbench.faces.models import load\n"
        "from workbench.faces.probes import make_probe\n"
        "home, photograph = map(pathlib.Path, sys.argv[1:])\n"
        "probe = make_probe([photograph], models=load('yunet-dlib', home=home))\n"
        "print(len(probe.template))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(portrait)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (answer.stdout, answer.stderr) == ("128\n", "")


def test_a_gallery_s_profile_with_other_weights_is_refused(tmp_path: Path, models: Models) -> None:
    import dataclasses

    other: Profile = dataclasses.replace(models.profile, version="0")
    with pytest.raises(ModelError, match="was used with other weights"):
        load(other, home=tmp_path)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    weights.place_embedded(tmp_path)
    path = weights.folder(tmp_path) / "dlib_face_recognition_resnet_model_v1.dat"
    path.unlink()
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match="are not the expected ones"):
        weights.require("recogniser", "Dlib", tmp_path)


def test_a_file_known_by_name_is_held_to_its_first_content(tmp_path: Path) -> None:
    file = tmp_path / "arcface_weights.onnx.bz2"
    file.write_bytes(bz2.compress(b"weights"))
    home = tmp_path / "home"
    weight = weights.import_file(file, home)
    assert (weights.folder(home) / weight.file).read_bytes() == b"weights"
    (weights.folder(home) / weight.file).write_bytes(b"changed")
    with pytest.raises(ModelError, match="are not the expected ones"):
        weights.require("recogniser", "ArcFace", home)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"text", "is not a weight file that Sightline knows"),
        # Its content is known, so the name alone is not enough.
        ("face_detection_yunet_2023mar.onnx", b"x", "is not a weight file that Sightline knows"),
        ("arcface_weights.onnx.bz2", b"no bzip2", "cannot be unpacked"),
    ],
)
def test_other_files_are_not_imported(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=said):
        weights.import_file(tmp_path / name, tmp_path / "home")
    assert not any(p.is_file() for p in (tmp_path / "home").rglob("*"))


def test_what_has_no_weights_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pip install mtcnn"):
        weights.fetch("mtcnn", tmp_path)
    with pytest.raises(ModelError, match="has no weights to fetch"):
        weights.fetch("nobody", tmp_path)


def test_a_fetch_that_fails_says_where_it_asked(tmp_path: Path, monkeypatch: Any) -> None:
    import urllib.request
    from urllib.error import URLError

    asked = []

    def offline(address: str, **_: object) -> None:
        asked.append(address)
        raise URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(ModelError, match=r"arcface_weights\.onnx: could not be fetched.*no route"):
        weights.fetch("ArcFace", tmp_path)
    assert len(asked) == 2
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_the_table_is_in_step_with_deepface() -> None:
    from deepface.modules import modeling

    detectors = set(modeling.AVAILABLE_MODELS["face_detector"])
    recognisers = set(modeling.AVAILABLE_MODELS["facial_recognition"])
    assert set(DETECTORS) == detectors
    assert set(RECOGNISERS) == recognisers
    sourced = {w.model for w in WEIGHTS} | {b.model for b in BUNDLED}
    assert sourced == detectors | recognisers


def test_dimensions_and_sizes_are_deepface_s_own() -> None:
    """Read from the source of the clients: building them would need their weights."""
    import ast
    import inspect

    from deepface.modules import modeling

    for name, recogniser in RECOGNISERS.items():
        sources = modeling.AVAILABLE_MODELS["facial_recognition"][name]
        path, _, client = (sources.get("onnx") or sources["any"]).rpartition(".")
        tree = ast.parse(inspect.getsource(importlib.import_module(path)))
        (body,) = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == client]
        said = {
            node.targets[0].attr: ast.literal_eval(node.value)
            for node in ast.walk(body)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Attribute)
            and node.targets[0].attr in {"input_shape", "output_shape"}
        }
        assert said == {
            "input_shape": recogniser.input_size,
            "output_shape": recogniser.dimension,
        }, name


def test_a_threshold_names_its_origin_and_there_is_none_without_a_calibration(
    models: Models, tmp_path: Path
) -> None:
    import dataclasses

    assert "LFW" in calibrated_threshold(models.profile, calibrations=tmp_path).calibration
    other = dataclasses.replace(models.profile, recogniser="ArcFace", metric="cosine")
    with pytest.raises(NotCalibrated, match=r"no default threshold.*sightline calibrate"):
        calibrated_threshold(other, calibrations=tmp_path)


def test_onnx_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Its telemetry, on by default, begins with an id of the machine in a file."""
    spared = {"CI", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY"}  # each ends it, too
    environment = {name: value for name, value in os.environ.items() if name not in spared}
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    program = [sys.executable, "-c", "import workbench, onnxruntime"]
    subprocess.run(program, env=environment | places, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
