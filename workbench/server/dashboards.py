"""Dashboards of an installation: notebooks in one folder, with a title and a description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import SettingsError


@dataclass(frozen=True, order=True)
class Dashboard:
    """A notebook to open; instances sort in the order of the front page."""

    order: int
    title: str
    description: str
    name: str

    @property
    def path(self) -> str:
        """Path of its page, below that of the front page."""
        return f"voila/render/{self.name}.ipynb"


def packaged_dashboards() -> Path:
    """Folder of the packaged dashboards: in the wheel, or beside the package in a checkout."""
    return _packaged("dashboards")


def packaged_notebooks() -> Path:
    """Folder of the packaged worked examples: in the wheel, or beside the package in a checkout."""
    return _packaged("notebooks")


def _packaged(name: str) -> Path:
    here = Path(__file__).parent
    inside = here / f"_{name}"  # put there when the wheel is built
    return inside if inside.is_dir() else here.parents[1] / name


def find_dashboards(folder: Path) -> list[Dashboard]:
    """Find the notebooks directly in ``folder``, in the order of the front page.

    A notebook describes itself in its metadata: ``"sightline": {"title": …, "description": …,
    "order": …}``. Raises SettingsError if the folder or a notebook cannot be read.
    """
    if not folder.is_dir():
        raise SettingsError(
            "no such folder of dashboards",
            where=str(folder),
            fix="Name the folder that holds investigate.ipynb",
        )
    return sorted(_read(path) for path in folder.glob("*.ipynb") if not path.name.startswith("."))


def _read(path: Path) -> Dashboard:
    try:
        about = json.loads(path.read_text("utf-8"))["metadata"].get("sightline", {})
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SettingsError(
            f"is not a notebook ({error})", where=str(path), fix="Restore or remove it"
        ) from error
    return Dashboard(
        order=int(about.get("order", 100)),
        title=str(about.get("title", path.stem.replace("_", " ").capitalize())),
        description=str(about.get("description", "")),
        name=path.stem,
    )
