"""Refused requests: texts of their pages, with what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tornado.web import RequestHandler

from workbench.errors import NotPermitted, ServerError, SightlineError


@dataclass(frozen=True)
class Refusal:
    """Heading and text of the page, and whether signing in again helps."""

    heading: str
    text: str
    sign_in: bool = False


REFUSALS = {
    "missing": Refusal(
        "Sign in", "This browser is not signed in, or the server has been restarted since.", True
    ),
    "wrong": Refusal(
        "Wrong token",
        "This token is not valid for this server. It may be from an earlier start: each start "
        "makes a new one.",
        True,
    ),
    "signed out": Refusal("Signed out", "You have signed out.", True),
    "idle": Refusal(
        "Sign in again", "Your session has ended because it was not used for a while.", True
    ),
    "old": Refusal(
        "Sign in again", "Your session has ended: it had reached the longest time allowed.", True
    ),
    "administrator": Refusal(
        "Sign in again", "The administrator of this server has ended your session.", True
    ),
    "many": Refusal(
        "Sign in again",
        "Your session has ended: you have begun many others since, or many people have.",
        True,
    ),
    "another": Refusal("Sign in again", "Another person has signed in with this browser.", True),
    "hub": Refusal(
        "Sign-in is not available",
        "The hub that signs people in does not answer. Pages that are open go on; try again in a "
        "minute.",
    ),
    "servers": Refusal(
        "Sign-in is not available",
        "People have servers of their own at the hub that signs people in, and a page of such a "
        "server could act as you here. Pages that are open go on; tell the administrator.",
    ),
    "hub access": Refusal(
        "No access",
        "You are signed in at the hub, but may not open Sightline. Ask the administrator of the "
        "hub for access to this service.",
    ),
    "unknown token": Refusal("Unknown token", "The hub does not know this token."),
    "oauth": Refusal("Sign-in did not work", "Open Sightline again to try once more.", True),
    "proxy": Refusal(
        "Not by this way",
        "Sightline only answers requests that its proxy has passed on. Open the address that you "
        "were given.",
    ),
    "unnamed": Refusal(
        "Not signed in", "The proxy in front of Sightline has not said who you are."
    ),
    "name": Refusal(
        "Not a name",
        "The name by which you are signed in cannot be used here. Ask the administrator: the "
        "server's log and its manual say which names can.",
    ),
    "service": Refusal(
        "Not a name for a person",
        "You are signed in by the name of the account that runs this server. Ask the administrator "
        "for a name of your own.",
    ),
    "address": Refusal(
        "Not this address",
        "Sightline is not reached under the address that this request names. Open the address "
        "below.",
    ),
    "origin": Refusal("Not understood", "The header Origin of this request cannot be read."),
    "cross-site": Refusal(
        "Request from another site",
        "Sightline only answers requests from its own pages. Open its address directly.",
    ),
    "path": Refusal("Page not found", "Sightline has no page at this address."),
    "kernel": Refusal(
        "Session of this page not found",
        "The page whose Python session this was is closed, or it is not yours.",
    ),
    "record": Refusal(
        "Sign-in cannot be recorded",
        "No one is let in without an entry in the record, which cannot be written now. The reason "
        "is in the server's log; tell the administrator.",
    ),
    "unknown": Refusal(
        "This page cannot be shown", "The request could not be checked. The details are in the log."
    ),
}
"""Refusals by the reason that the door or a way to sign in gives."""


_TOKEN = NotPermitted(
    "no one has signed in with this token, or it does not open Sightline",
    where="token",
    fix="Have a token made for yourself; at a hub, one with the scope of this service",
)
_TO_PROGRAMS: dict[str, SightlineError] = {
    "missing": _TOKEN,
    "wrong": _TOKEN,
    "unknown token": _TOKEN,
    "hub access": NotPermitted(
        "this token does not open Sightline",
        where="token",
        fix="Have one made with the scope of this service; whether you may have one, the "
        "administrator of the hub says",
    ),
    "hub": ServerError(
        "the hub that signs people in does not answer",
        where="sign-in",
        fix="Ask again in a minute",
    ),
    "servers": ServerError(
        "no one can sign in while people have servers of their own at the hub",
        where="sign-in",
        fix="Tell the administrator, whose log says more",
    ),
}


def refusal_to_program(reason: str) -> SightlineError:
    """Say as an error of the API why a request is refused."""
    if reason in _TO_PROGRAMS:
        return _TO_PROGRAMS[reason]
    what, _, fix = REFUSALS[reason].text.removesuffix(".").partition(". ")
    return NotPermitted(what, where="sign-in", fix=fix)


def refusal_page(handler: RequestHandler, reason: str) -> str:
    """Render the page of a refusal: what was wrong, and the way to sign in where that helps."""
    refusal, door = REFUSALS[reason], handler.application
    known: Any = door  # the Door, which this module comes before
    page = handler.settings["voila_jinja2_env"].get_template("refused.html")
    return str(
        page.render(
            heading=refusal.heading,
            text=refusal.text,
            field=refusal.sign_in and known.way.name == "token",
            again=known.way.again() if refusal.sign_in else known.address,
            link="Sign in" if refusal.sign_in else "Open Sightline",
        )
    )
