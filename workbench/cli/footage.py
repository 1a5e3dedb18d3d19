"""``sightline footage``: what the footage is, before and after it is indexed."""

from __future__ import annotations

import argparse

from workbench.cli import clocks
from workbench.cli.options import add_actions, describe


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline footage``."""
    describe(
        parser,
        None,
        "What the footage is: whether the clocks of its cameras were right.",
        "sightline footage clock --help",
    )
    actions = add_actions(parser)
    clocks.add(actions.add_parser("clock", help="whether the clocks of cameras were right"))
