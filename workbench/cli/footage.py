"""``sightline footage``: what the footage is, before and after it is indexed."""

from __future__ import annotations

import argparse

from workbench.cli import clocks, importing
from workbench.cli.options import add_actions, describe


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline footage``."""
    describe(
        parser,
        None,
        "What the footage is: a list for a folder that has none, and whether the clocks of its "
        "cameras were right.",
        """
        sightline footage import --help
        sightline footage clock --help
        """,
    )
    actions = add_actions(parser)
    clocks.add(actions.add_parser("clock", help="whether the clocks of cameras were right"))
    importing.add(
        actions.add_parser("import", help="list the footage of a folder that has no list")
    )
