"""A network of one's own as DeepFace calls a recogniser; see :mod:`workbench.faces.imported`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np
from deepface.commons.onnx_utils import build_session
from deepface.models.FacialRecognition import FacialRecognition

from workbench.errors import ModelError
from workbench.faces.imported import FOLDER, NETWORK
from workbench.faces.trial import MOST_AT_ONCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.faces.imported import ImportedProfile

# DeepFace makes its clients without arguments: the profile that it is to make one for.
asked_for: ContextVar[ImportedProfile] = ContextVar("asked_for")


class ImportedOnnxClient(FacialRecognition):  # type: ignore[misc]  # deepface is untyped
    """Stands in DeepFace's table of recognisers while an imported profile is loaded."""

    def __init__(self) -> None:
        own = asked_for.get()
        # DeepFace's own session: on a graphics card where there is one.
        self.model = build_session(file_name=f"{FOLDER}/{own.name}/{NETWORK}", source_url="")
        self.model_name = own.recogniser.name
        self.input_shape = own.input_size
        self.output_shape = own.dimension
        (self._input,) = self.model.get_inputs()
        # Many networks are exported for one picture at a time.
        self._at_once = 1 if self._input.shape[0] == 1 else MOST_AT_ONCE

    def forward(self, img: NDArray[Any]) -> list[float] | list[list[float]]:
        """Make templates of chips in the form that the profile states, ``(n, …)`` or one alone."""
        chips = img[None] if img.ndim == 3 else img
        found: list[list[float]] = []
        for begin in range(0, len(chips), self._at_once):
            batch = np.ascontiguousarray(chips[begin : begin + self._at_once], np.float32)
            (output,) = self.model.run(None, {self._input.name: batch})
            if output.size != len(batch) * self.output_shape:
                raise ModelError(
                    f"gives {output.size} numbers for {len(batch)} faces, "
                    f"not {self.output_shape} for each",
                    where=self.model_name,
                    fix="Import the network again with the right dimension",
                )
            found += output.reshape(len(batch), -1).tolist()
        return found[0] if len(found) == 1 else found
