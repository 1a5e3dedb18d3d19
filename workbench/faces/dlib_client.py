"""Dlib's recogniser as DeepFace calls it, computed by ONNX Runtime; see :mod:`dlib_network`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from deepface.commons.onnx_utils import build_session
from deepface.models.FacialRecognition import FacialRecognition

from workbench.faces.dlib_network import ONNX_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More at once gain nothing: 5.2 ms a face in batches of 32, 5.4 in batches of 8; memory grows.
MOST_AT_ONCE = 32


class DlibOnnxClient(FacialRecognition):  # type: ignore[misc]  # deepface is untyped
    """Stands in DeepFace's table of recognisers in the place of its own client for Dlib."""

    def __init__(self) -> None:
        # DeepFace's own session: on a graphics card where there is one.
        self.model = build_session(file_name=ONNX_FILE, source_url="")
        self.model_name = "Dlib"
        self.input_shape = (150, 150)
        self.output_shape = 128

    def forward(self, img: NDArray[Any]) -> list[float] | list[list[float]]:
        """Make templates of chips ``(n, 150, 150, 3)`` or of one, BGR, as DeepFace hands them in.

        Those of DeepFace are floats in [0, 1]; those of whole numbers are taken as they are.
        """
        chips = img[None] if img.ndim == 3 else img
        if chips.dtype != np.uint8:
            chips = (chips * 255 if chips.max() <= 1 else chips).astype(np.uint8)
        found: list[list[float]] = []
        for begin in range(0, len(chips), MOST_AT_ONCE):
            batch = np.ascontiguousarray(chips[begin : begin + MOST_AT_ONCE])
            found += self.model.run(None, {"chips": batch})[0].tolist()
        return found[0] if len(found) == 1 else found
