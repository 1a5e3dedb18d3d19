"""The dashboards of this installation: notebooks in one folder, with a title and a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import SettingsError


@dataclass(frozen=True, order=True)
class Dashboard:
    """One notebook to open, sorted as the front page lists it."""

    order: int
    title: str
    description: str
    name: str

    @property
    def address(self) -> str:
        return f"/voila/render/{self.name}.ipynb"


def packaged_dashboards() -> Path:
    """The folder of our own dashboards: in the wheel, else beside the package in a checkout."""
    here = Path(__file__).parent
    inside = here / "_dashboards"  # put there when the wheel is built
    return inside if inside.is_dir() else here.parents[1] / "dashboards"


def find_dashboards(folder: Path) -> list[Dashboard]:
    """The notebooks directly in ``folder``, as the front page lists them.

    A notebook introduces itself in its metadata: ``"sightline": {"title": …, "description": …,
    "order": …}``. Raises SettingsError where the folder or a notebook cannot be read.
    """
    if not folder.is_dir():
        raise SettingsError(
            "there is no such folder of dashboards",
            where=str(folder),
            fix="Give the folder that holds investigate.ipynb",
        )
    return sorted(_read(path) for path in folder.glob("*.ipynb") if not path.name.startswith("."))


def _read(path: Path) -> Dashboard:
    try:
        about = json.loads(path.read_text("utf-8"))["metadata"].get("sightline", {})
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SettingsError(
            f"not a notebook ({error})", where=str(path), fix="Restore it or take it away"
        ) from error
    return Dashboard(
        order=int(about.get("order", 100)),
        title=str(about.get("title", path.stem.replace("_", " ").capitalize())),
        description=str(about.get("description", "")),
        name=path.stem,
    )
