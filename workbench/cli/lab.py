"""``sightline lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from workbench.cli.options import describe
from workbench.cli.output import DONE, say
from workbench.cli.serve import add_port
from workbench.demo import demo_town
from workbench.installation import Installation
from workbench.live import progress as shown_progress


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline lab``."""
    describe(
        parser,
        _lab,
        "Open JupyterLab on copies of the notebooks of Sightline until Ctrl-C, on this machine "
        "alone. What is run there runs as the account that started it. "
        "Without --gallery it is on the demo, which is indexed the first time.",
        "sightline lab\nsightline lab --gallery town.duckdb --notebooks ~/notebooks",
    )
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="FILE",
        help="the gallery that pages in notebooks open; by default that of the demo",
    )
    parser.add_argument(
        "--notebooks",
        type=Path,
        metavar="FOLDER",
        help="where the notebooks lie; those of Sightline that are missing there are copied to "
        "it; by default the folder notebooks of the home",
    )
    add_port(parser)


def _lab(options: argparse.Namespace) -> int:
    from workbench.demo.check import demo_gallery, demo_settings
    from workbench.demo.home import demo_installation
    from workbench.server.lab import lab  # JupyterLab, which help does not need

    installation = Installation.open()
    settings, gallery = installation.settings, options.gallery
    if gallery is None:
        town, installation = demo_town(), demo_installation(installation)
        with shown_progress.indexing() as progress:
            gallery = demo_gallery(town, installation, progress=progress)
        settings = demo_settings(town, installation)

    # Notebooks lie in another folder, where a relative path would mean something else.
    paths = {name: value.resolve() for name, value in settings if isinstance(value, Path)}
    settings = settings.model_copy(update=paths)

    def ready(address: str, folder: Path) -> None:
        say(
            "",
            "JupyterLab is ready. Open this address (Ctrl-C stops it):",
            "",
            f"  {address}",
            "",
            f"The notebooks are in {folder}. They may show faces: keep them where they are.",
            "",
        )

    lab(
        gallery=gallery,
        home=settings.home,
        notebooks=options.notebooks,
        port=options.port,
        token=os.environ.get("SIGHTLINE_TOKEN"),
        tiles=settings.tiles,
        environment=settings.environment(),
        ready=ready,
    )
    return DONE
