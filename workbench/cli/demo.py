"""``sightline demo``: index and serve the fictional demo town."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from workbench.cli.options import add_json, describe
from workbench.cli.output import DONE, PROBLEMS, lines, say, show
from workbench.cli.serve import add_port, serve_gallery
from workbench.demo import demo_town
from workbench.installation import Installation
from workbench.live import progress as shown_progress

_END_SECONDS = 20.0


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline demo``."""
    describe(
        parser,
        _demo,
        "Index an hour in Fennmouth, a town that does not exist, with rendered people, and serve "
        "its dashboards until Ctrl-C: from a request to the sightings, with one person in "
        "every part. Beside them JupyterLab runs on the notebooks (`sightline lab`); the address "
        "of each is printed. The demo has a home of its own in that of the installation. Or verify "
        "the answers to questions whose truth is known.",
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
    # The server changes the environment for its own kernels; JupyterLab gets that of the command.
    environment = os.environ.copy()
    with contextlib.ExitStack() as last:
        return serve_gallery(
            gallery,
            home=settings.home,
            port=options.port,
            tiles=settings.tiles,
            environment=settings.environment(),
            # It chooses its port once the server has its own.
            then=lambda: last.enter_context(_lab_beside(environment)),
        )


@contextlib.contextmanager
def _lab_beside(environment: Mapping[str, str]) -> Iterator[None]:
    """Run ``sightline lab`` on the demo, which prints its address, and end it in the end."""
    command = [sys.executable, "-P", "-m", "workbench", "lab"]
    lab = subprocess.Popen(command, env=environment)  # noqa: S603 - this interpreter, our module
    try:
        yield
    finally:
        lab.terminate()
        try:
            lab.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            lab.kill()
            lab.wait()
