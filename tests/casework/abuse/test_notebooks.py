"""Faces that leave the house in a saved notebook."""

from __future__ import annotations

import base64
import json

import numpy as np

from workbench.domain import Box, Face, Photograph, Probe, Profile, Quality
from workbench.live.view import LiveFaces, ShownFace

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(64))
TEMPLATE = np.linspace(0.123, 0.987, 128, dtype=np.float32)


def test_a_face_that_a_saved_notebook_carries_out() -> None:
    face, quality = Face(Box(1, 2, 30, 40), 1.0), Quality(0.9, 0.9, 0.9, 0.9, 0.9)
    photograph = Photograph("a.jpg", face, quality, JPEG, TEMPLATE)
    probe = Probe((photograph,), TEMPLATE, Profile("p", "d", "r", "a", "cosine", 128))
    live = LiveFaces("1 candidate", faces=lambda: [ShownFace(JPEG, "1.")])
    # What a cell that ends with it saves, and all of a widget that a front end can save.
    kept = [repr(photograph), repr([probe]), str(probe), probe._repr_html_(), repr(live)]
    kept += [json.dumps(live.get_state(), default=str), json.dumps(live._repr_mimebundle_()[0])]
    for text in kept:
        assert "\\xff\\xd8" not in text
        assert base64.b64encode(JPEG).decode()[:12] not in text
        assert "0.123" not in text
