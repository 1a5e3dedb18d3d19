"""Dashboards of an installation: notebooks in one folder, each with a title, and who may use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.record.people import ACTIONS
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.casework.record.people import Person


@dataclass(frozen=True, order=True)
class Dashboard:
    """A notebook to open; instances sort in the order of the front page.

    ``actions`` are those that it is for, as in :mod:`workbench.casework.record.people`.
    """

    order: int
    title: str
    description: str
    name: str
    actions: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Path of its page, below that of the front page."""
        return f"voila/render/{self.name}.ipynb"

    def is_for(self, person: Person) -> bool:
        """Check that a person may do any of what the page is for; that they have a role if nothing.

        What is offered hangs on it, not what is permitted: the page itself asks the register.
        """
        if not self.actions:
            return bool(person.roles) or not person.in_service
        return any(action in self.actions for action in ACTIONS if person.may(action))


def packaged_dashboards() -> Path:
    """Folder of the packaged dashboards: in the wheel, or beside the package in a checkout."""
    return _packaged("dashboards")


def packaged_notebooks() -> Path:
    """Folder of the packaged worked examples: in the wheel, or beside the package in a checkout."""
    return _packaged("notebooks")


def _packaged(name: str) -> Path:
    here = Path(__file__).parent
    inside = here / "server" / f"_{name}"  # put there when the wheel is built
    return inside if inside.is_dir() else here.parent / name


def find_dashboards(folder: Path) -> list[Dashboard]:
    """Find the notebooks directly in ``folder``, in the order of the front page.

    A notebook describes itself in its metadata: ``"sightline": {"title": …, "description": …,
    "order": …, "actions": [...]}``. Raises SettingsError if the folder or a notebook cannot be
    read.
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
    actions = tuple(map(str, about.get("actions", ())))
    if unknown := sorted(set(actions) - set(ACTIONS)):
        raise SettingsError(
            f"is for actions that there are not: {', '.join(unknown)}",
            where=str(path),
            fix=f"Choose from {', '.join(ACTIONS)}",
        )
    return Dashboard(
        order=int(about.get("order", 100)),
        title=str(about.get("title", path.stem.replace("_", " ").capitalize())),
        description=str(about.get("description", "")),
        name=path.stem,
        actions=actions,
    )
