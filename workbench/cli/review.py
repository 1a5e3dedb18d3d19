"""``sightline review``: how far reviews are, fillers, and how reviewers do on them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.casework.reviewing.fillers import add_fillers, error_rates
from workbench.casework.reviewing.reviewlist import review_state
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.cli.photographs import add_photographs, make_photographs
from workbench.cli.servers import add_server, connected
from workbench.installation import Installation

if TYPE_CHECKING:
    from workbench.casework.cases import Case


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline review``."""
    describe(
        parser,
        None,
        "How far reviews are. Fillers are faces of people who are known not to be any subject. "
        "They are mixed into what reviewers see, and show how often each of them errs.",
        "sightline review status",
    )
    actions = add_actions(parser)
    showing = add_action(
        actions, "status", _status,
        "how far the reviews of your cases are",
        "Show how many faces are on the review list of each open case that you may see, and how "
        "many of them are decided, wait for decisions, or are lost because the gallery that they "
        "were found in no longer holds them. Fillers are among them.",
        "sightline review status",
    )  # fmt: skip
    add_json(showing)
    add_server(showing)
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


def _status(options: argparse.Namespace) -> int:
    there = connected(options)
    if there is None:
        register = Installation.open().register
        register.me.require_role()
        names = [case.reference for case in _open(register.cases())]
        states = [asdict(review_state(register, name)) for name in names]
    else:
        states = [dict(there.review_state(case.reference)) for case in _open(there.cases())]
    states = [state for state in states if state["listed"]]
    if options.json:
        lines(states)
        return DONE
    if not states:
        say("No open case that you may see has a review list.")
        return DONE
    columns = ("case", "listed", "decided", "waiting", "lost")
    found = table(*columns)
    for state in states:
        found.add_row(*(str(state[name]) for name in columns))
    show(found)
    return DONE


def _open(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.state == "open"]


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
