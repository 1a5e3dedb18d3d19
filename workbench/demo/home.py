"""The demo's own home: beside the user's cases, where one person may play every part."""

from __future__ import annotations

from workbench.casework.record.installation_file import make_installation, read_installation
from workbench.casework.register import FOLDER
from workbench.installation import Installation

HOME = "fennmouth"
"""Folder of the demo's own home, in that of an installation."""


def demo_installation(installation: Installation) -> Installation:
    """Return the demo's own installation, which is made at first use in the home of another.

    Its file says so from the beginning. It opens no gallery but the demo's, and its cases carry no
    authority; so nothing that is played there touches the cases and figures of the other.
    """
    if installation.is_demo:
        return installation
    home = installation.settings.home.resolve() / HOME
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if read_installation(folder) is None:
        make_installation(folder, "demo")
    return Installation(installation.settings.model_copy(update={"home": home, "gallery": None}))
