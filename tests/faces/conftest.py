"""The embedded networks, loaded once."""

from __future__ import annotations

import pytest

from workbench.faces.models import Models, load


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load("dlib", home=tmp_path_factory.mktemp("models"))
