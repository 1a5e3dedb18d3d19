"""Load the networks of a profile through DeepFace, from this machine alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlib

from workbench.domain import Profile
from workbench.errors import ModelError
from workbench.faces import dlib_network, profiles, weights
from workbench.faces.sources import DLIB_LANDMARKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_DLIB = {"any": "workbench.faces.dlib_client.DlibOnnxClient"}


@dataclass(frozen=True, slots=True)
class Models:
    """Loaded networks of one profile. Not to be used by two threads at once."""

    profile: Profile
    detector: Any  # DeepFace's client
    recogniser: Any  # DeepFace's client
    landmarks: Any  # dlib's five-point predictor, or None where no chip needs it
    input_size: tuple[int, int]  # of the recogniser: height, width in pixels
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.generic]]  # (n, h, w, 3) chips to its input
    split_below: float | None  # scores; see faces.templates
    join_from: float | None
    home: Path  # the DEEPFACE_HOME its weights came from


def load(profile: str | Profile, *, home: Path) -> Models:
    """Load a profile by name, or the exact profile that a gallery was made with.

    Parameters
    ----------
    profile : str or Profile
        ``dlib`` (embedded), ``yunet-dlib``, or any ``<detector>+<recogniser>`` of DeepFace.
    home : Path
        The DEEPFACE_HOME to use: weights are looked for there and nowhere else.

    Raises
    ------
    ModelError
        If the profile is unknown, or weights are missing or not those of the given Profile.
    """
    name = profile if isinstance(profile, str) else profile.name
    models = _load(name, home.resolve())
    if isinstance(profile, Profile) and profile.fingerprint != models.profile.fingerprint:
        raise ModelError(
            f"was used with other weights or another version ({profile.fingerprint}, "
            f"here {models.profile.fingerprint})",
            where=f"profile {name}",
            fix="Import the weights it was made with",
        )
    return models


def installed(name: str, *, home: Path) -> Profile:
    """Return a profile with the weights on this machine, without loading them.

    Raises ModelError as :func:`load` does.
    """
    home = home.resolve()
    detector, recogniser = profiles.pair(name)
    weights.place_embedded(home)
    files = weights.require("detector", detector, home)
    files += weights.require("recogniser", recogniser.name, home)
    if recogniser.alignment == "dlib-chip":
        files += weights.require("detector", DLIB_LANDMARKS.model, home)
    return profiles.make_profile(name, tuple(sorted(set(files))))


@lru_cache(maxsize=4)
def _load(name: str, home: Path) -> Models:
    profile = installed(name, home=home)
    detector, recogniser = profiles.pair(name)
    landmarks = None
    if recogniser.alignment == "dlib-chip":
        landmarks = dlib.shape_predictor(str(weights.folder(home) / DLIB_LANDMARKS.file))
    if recogniser.name == "Dlib":
        dlib_network.place(home)
    client = _build("facial_recognition", recogniser.name, home)
    if recogniser.name == "Dlib":
        dlib_network.check(client.model, home)
    return Models(
        profile=profile,
        detector=_build("face_detector", detector, home),
        recogniser=client,
        landmarks=landmarks,
        input_size=recogniser.input_size,
        prepare=profiles.normaliser(recogniser),
        split_below=recogniser.split_below,
        join_from=recogniser.join_from,
        home=home,
    )


def _build(task: str, name: str, home: Path) -> Any:
    with _from_this_machine(home):
        from deepface.modules import modeling

        try:
            return modeling.build_model(task, name)
        except ModelError:
            raise
        except (ImportError, ValueError, OSError, RuntimeError) as error:
            raise ModelError(
                f"cannot be loaded ({error})", where=name, fix="Import its weights again"
            ) from error


@contextlib.contextmanager
def _from_this_machine(home: Path) -> Iterator[None]:
    """Let DeepFace see our weights and nothing else: no home of the user, no download.

    Its sessions of ONNX Runtime keep to the cores that this process may use, and the network of
    Dlib is ours.
    """
    os.environ["DEEPFACE_HOME"] = str(home)
    os.environ.setdefault("DEEPFACE_BACKEND_ENGINE", "onnx")  # the one we install
    # Graphics cards would round to 10 bits.
    os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
    import onnxruntime
    from deepface.commons import weight_utils
    from deepface.modules import modeling

    def local(file_name: str, source_url: object, **_: object) -> str:
        path = weights.folder(home) / file_name
        if path.is_file():
            return str(path)
        raise ModelError(
            f"DeepFace asks for {file_name}, which is not on this machine",
            where=str(path.parent),
            fix=f"Put the file there yourself; DeepFace would download it from {source_url}",
        )

    download, options = weight_utils.download_weights_if_necessary, onnxruntime.SessionOptions

    def bounded() -> Any:
        made = options()
        made.intra_op_num_threads = cores()
        return made

    recognisers = modeling.AVAILABLE_MODELS["facial_recognition"]
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, weight_utils, "download_weights_if_necessary", download)
        stack.callback(setattr, onnxruntime, "SessionOptions", options)
        stack.callback(recognisers.update, Dlib=recognisers["Dlib"])
        weight_utils.download_weights_if_necessary = local
        onnxruntime.SessionOptions = bounded
        recognisers["Dlib"] = _DLIB
        yield


def cores() -> int:
    """Cores that a network may use: those of this process, or fewer if OMP_NUM_THREADS says so."""
    available = len(os.sched_getaffinity(0))
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(said)) if said.isdigit() and int(said) else available
