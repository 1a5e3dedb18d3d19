"""Dlib's network in ONNX Runtime gives what dlib gives, and nothing else is taken for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import dlib
import numpy as np
import pytest

from workbench.demo import demo_town
from workbench.errors import ModelError
from workbench.faces import dlib_network, templates, weights
from workbench.faces.detection import detect
from workbench.faces.dlib_file import read_network
from workbench.faces.models import Models, cores, load
from workbench.faces.photographs import read_photograph


@pytest.fixture
def home(models: Models, tmp_path: Path) -> Path:
    """A model home with a converted network of its own."""
    shutil.copytree(models.home, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def converted(home: Path) -> Path:
    return weights.folder(home) / dlib_network.ONNX_FILE


def test_templates_of_the_demo_are_dlib_s(models: Models) -> None:
    chips = []
    for photographs in (*demo_town().photographs.values(), *demo_town().absent.values()):
        for path in photographs:
            image = read_photograph(path.read_bytes(), path.name)
            chips += [templates.align(models, image, face) for face in detect(models, image)]
    assert len(chips) > 15
    network = dlib.face_recognition_model_v1(
        str(weights.folder(models.home) / dlib_network.DLIB_FILE)
    )
    theirs = network.compute_face_descriptor([np.ascontiguousarray(c[..., ::-1]) for c in chips])
    ours = templates.embed(models, chips)
    assert np.abs(ours - np.array(theirs)).max() < dlib_network.TOLERANCE
    alone = np.concatenate([templates.embed(models, [chip]) for chip in chips[:3]])
    assert np.abs(alone - ours[:3]).max() < dlib_network.TOLERANCE


def test_deepface_s_own_pictures_are_taken(models: Models) -> None:
    """DeepFace.represent hands in floats from 0 to 1, of one chip."""
    chip = np.random.default_rng(1).integers(0, 256, (1, 150, 150, 3), dtype=np.uint8)
    whole = models.recogniser.forward(chip)
    floats = models.recogniser.forward(chip.astype(np.float32) / 255)
    # DeepFace cuts floats down to whole numbers, which may be one less.
    assert np.abs(np.array(whole) - np.array(floats)).max() < 0.02


@pytest.mark.parametrize("harm", ["cut", "changed", "no words beside it", "of another file"])
def test_a_converted_network_that_is_not_whole_is_made_again(home: Path, harm: str) -> None:
    path, beside = converted(home), converted(home).with_suffix(".onnx.json")
    content, about = path.read_bytes(), beside.read_text()
    if harm == "cut":
        path.write_bytes(content[:-100])
    elif harm == "changed":
        path.write_bytes(content[:-100] + bytes(100))
    elif harm == "no words beside it":
        beside.write_text(about[:50])
    else:
        beside.write_text(about.replace('"source": "55', '"source": "66'))
    dlib_network.place(home)
    assert path.read_bytes() == content
    assert beside.read_text() == about


def test_a_session_that_computes_otherwise_is_refused(home: Path, models: Models) -> None:
    class Rounded:
        def run(self, *arguments: object) -> list[np.ndarray]:
            return [np.float32(np.float16(models.recogniser.model.run(*arguments)[0]))]

    dlib_network.check(models.recogniser.model, home)
    with pytest.raises(ModelError, match=r"does not give what dlib gives.*DEEPFACE_ONNX_PROVIDERS"):
        dlib_network.check(Rounded(), home)


def test_weights_that_are_not_dlib_s_network_are_refused(models: Models, tmp_path: Path) -> None:
    content = (weights.folder(models.home) / dlib_network.DLIB_FILE).read_bytes()
    other = weights.folder(models.home) / "shape_predictor_5_face_landmarks.dat"
    random = np.random.default_rng(0)
    harmed = [b"", content[:-1], content[:1000], content + b"\x01", other.read_bytes()]
    for _ in range(40):  # among the lengths and names, not the numbers, any of which may be right
        at = int(random.integers(0, 360))
        harmed.append(
            content[:at] + bytes([content[at] ^ int(random.integers(1, 256))]) + content[at + 1 :]
        )
    read = 0
    for data in harmed:
        path = tmp_path / "network.dat"
        path.write_bytes(data)
        try:
            read += len(read_network(path)) > 0
        except ModelError:
            continue
    assert read < 12  # but for bytes of the mean and of training


def test_a_network_of_other_layers_is_refused(models: Models) -> None:
    layers = read_network(weights.folder(models.home) / dlib_network.DLIB_FILE)
    for wrong in (layers[1:], layers[:-1], layers[:5] + layers[6:], [*layers, layers[-1]]):
        with pytest.raises(ModelError, match="layers are not those"):
            dlib_network.convert(wrong)


def test_sessions_keep_to_the_cores_of_the_process(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cores() == len(os.sched_getaffinity(0))
    for said, meant in (("1", 1), ("0", cores()), ("many", cores()), ("9999", cores())):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert cores() == meant
    from deepface.modules import modeling

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delattr(modeling, "cached_models")  # DeepFace keeps what it has built
    session = load("dlib", home=tmp_path).recogniser.model
    assert session.get_session_options().intra_op_num_threads == 1
