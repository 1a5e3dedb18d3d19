"""``sightline demo``: index and serve the fictional demo town."""

from __future__ import annotations

import argparse
import dataclasses

from workbench.cli.options import add_json, describe
from workbench.cli.output import DONE, PROBLEMS, lines, say, show
from workbench.cli.serve import add_port, serve_gallery
from workbench.demo import demo_town
from workbench.installation import Installation
from workbench.live import progress as shown_progress


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline demo``."""
    describe(
        parser,
        _demo,
        "Index an hour in Fennmouth, a town that does not exist, with rendered people, and serve "
        "its dashboards until Ctrl-C: from a request to the sightings, with one person in "
        "every part. The demo has a home of its own in that of the installation. Or verify the "
        "answers to questions whose truth is known.",
        """
        sightline demo
        sightline demo --check
        """,
    )
    parser.add_argument(
        "--check", action="store_true", help="verify the known answers, print them and exit"
    )
    add_port(parser)
    add_json(parser)


def _demo(options: argparse.Namespace) -> int:
    from workbench.demo.check import check_demo, demo_gallery, demo_settings
    from workbench.demo.home import demo_installation

    town, installation = demo_town(), Installation.open()
    if options.check:
        with shown_progress.indexing() as progress:
            check = check_demo(town, installation, progress=progress)
        if options.json:
            lines(dataclasses.asdict(row) for row in check.rows)
        else:
            for line in check.frame().to_string(index=False).splitlines():
                show(line)
            say(
                "The demo gives the known answers."
                if check.passed
                else "The demo does NOT give the known answers."
            )
        return DONE if check.passed else PROBLEMS
    installation = demo_installation(installation)
    with shown_progress.indexing() as progress:
        gallery = demo_gallery(town, installation, progress=progress)
    settings = demo_settings(town, installation)
    return serve_gallery(
        gallery,
        home=settings.home,
        port=options.port,
        tiles=settings.tiles,
        environment=settings.environment(),
        hint="The same in notebooks: run `sightline lab` in another terminal.",
    )
