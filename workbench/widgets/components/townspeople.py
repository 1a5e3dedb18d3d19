"""Photographs of the demo's people, offered in the demo's own home alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.fennmouth import demo_town
from workbench.widgets.components.parts import button, markup, row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.widgets.components.photographs import Photographs


def offered_people(model: Photographs) -> list[Any]:
    """Make the buttons that take a person of the demo; no widget but in the demo's own home."""
    if not model.installation.is_demo:
        return []
    town = demo_town()
    people = {**town.photographs, **town.absent}

    def take(files: Sequence[Path]) -> None:
        model.uploads = ()
        model.add_photographs([(file.name, file.read_bytes()) for file in files])

    buttons = [
        button(name, partial(take, files), label=f"Take the photographs of {name}")
        for name, files in people.items()
    ]
    words = "The demo has photographs of people who do not exist:"
    offer = row(markup(f'<span class="sl-hint">{words}</span>'), *buttons)
    offer.add_class("sl-townspeople")
    return [offer]
