"""``sightline review``: fillers, and how reviewers do on them."""

from __future__ import annotations

import argparse

from workbench.casework.reviewing.fillers import add_fillers, error_rates
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.cli.photographs import add_photographs, make_photographs
from workbench.cli.servers import add_server, connected
from workbench.installation import Installation


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline review``."""
    describe(
        parser,
        None,
        "Fillers are faces of people who are known not to be any subject. They are mixed into "
        "what reviewers see, and show how often each of them errs.",
        "sightline review rates",
    )
    actions = add_actions(parser)
    adding = add_action(
        actions, "fillers", _fillers,
        "add faces known not to be any subject",
        "Add faces of people who are known not to be the subject of any case; for supervisors.",
        "sightline review fillers staff/*.jpg --source 'staff who agreed'",
    )  # fmt: skip
    add_photographs(adding, "images", "pictures with one face each")
    adding.add_argument(
        "--source", required=True, metavar="TEXT", help="how it is known, for the record"
    )
    rates = add_action(
        actions, "rates", _rates,
        "how often each reviewer took a filler for a subject",
        "Show how often each reviewer took a filler for a subject, with a 95 % interval.",
        "sightline review rates",
    )  # fmt: skip
    add_json(rates)
    add_server(rates)


def _fillers(options: argparse.Namespace) -> int:
    installation = Installation.open()
    register = installation.register
    register.require("review.fillers")
    models = installation.load_models()
    photographs = make_photographs(options.images, largest=options.largest_face, models=models)
    faces = [photograph.jpeg for photograph in photographs]
    added = add_fillers(register, faces, source=options.source)
    say(f"{counted(len(added), 'filler')} added.")
    return DONE


def _rates(options: argparse.Namespace) -> int:
    there = connected(options)
    rates = error_rates(Installation.open().register) if there is None else there.error_rates()
    if options.json:
        lines(
            {"reviewer": r.reviewer, "fillers": r.fillers, "wrong": r.wrong, "interval": r.interval}
            for r in rates
        )
        return DONE
    found = table("reviewer", "fillers", "wrong", "rate", "95 % interval")
    for rate in rates:
        low, high = rate.interval
        found.add_row(
            rate.reviewer,
            str(rate.fillers),
            str(rate.wrong),
            f"{rate.rate:.1%}",
            f"{low:.1%} to {high:.1%}",
        )
    show(found)
    return DONE
