"""Options that benchmarks share."""

from __future__ import annotations

import argparse


def add_small(parser: argparse.ArgumentParser) -> None:
    """Add the option of a small run."""
    parser.add_argument(
        "--small",
        action="store_true",
        help="a run of seconds on the demo's material, to see that it works; its figures say "
        "nothing",
    )
