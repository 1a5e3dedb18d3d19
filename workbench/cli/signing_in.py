"""Options of ``sightline serve`` that say how people sign in, and where."""

from __future__ import annotations

import argparse
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.cli.options import positive
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.server.ways import SignIn

WAYS = ("token", "hub", "proxy")


def add_sign_in(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how people sign in."""
    place = parser.add_argument_group("where it listens, and where people open it")
    place.add_argument(
        "--host",
        metavar="ADDRESS",
        help="address to listen on; by default 127.0.0.1, which only this machine reaches",
    )
    place.add_argument(
        "--socket",
        type=Path,
        metavar="FILE",
        help="listen on this Unix socket instead, for a proxy on this machine",
    )
    place.add_argument(
        "--socket-group",
        metavar="GROUP",
        help="group that may connect to the socket; by default the account of the server alone",
    )
    place.add_argument(
        "--address",
        metavar="URL",
        help="where people open the pages, path included, such as "
        "https://sightline.example.org/; requests under another name are refused. By default where "
        "the server listens; for a hub's service what the hub says",
    )
    place.add_argument(
        "--insecure",
        action="store_true",
        help="let plain HTTP leave this machine: only on a network that no one else can read",
    )
    ways = parser.add_argument_group("how people sign in")
    ways.add_argument(
        "--sign-in",
        choices=WAYS,
        default="token",
        help="token: one person at a desk, as the account that runs the server, with the token of "
        "the address that is printed. hub: a team, at a JupyterHub whose service the server is. "
        "proxy: a team, at a reverse proxy that names the person in a header. By default token",
    )
    ways.add_argument(
        "--session-hours",
        type=positive,
        default=12,
        metavar="HOURS",
        help="time after which people sign in again; by default %(default)s",
    )
    ways.add_argument(
        "--idle-minutes",
        type=positive,
        default=60,
        metavar="MINUTES",
        help="time without use after which a session ends; by default %(default)s",
    )
    proxy = parser.add_argument_group("--sign-in proxy")
    proxy.add_argument(
        "--proxy-header",
        metavar="NAME",
        default="X-Remote-User",
        help="header that names the person; the proxy replaces what a browser sends of that name. "
        "By default %(default)s",
    )
    proxy.add_argument(
        "--proxy-account",
        metavar="ACCOUNT",
        default="",
        help="account that the proxy runs as: the header is believed from it alone (with --socket)",
    )
    proxy.add_argument(
        "--proxy-secret",
        type=Path,
        metavar="FILE",
        help="file, readable by its owner alone, with the secret that the proxy sends as "
        "X-Sightline-Proxy: the header is believed with it alone (on 127.0.0.1)",
    )
    proxy.add_argument(
        "--signed-out",
        metavar="URL",
        default="",
        help="sign-out of the proxy, where a browser goes after signing out here",
    )
    hub = parser.add_argument_group("--sign-in hub (a service that the hub starts needs none)")
    hub.add_argument(
        "--hub",
        metavar="URL",
        help="address of the hub as a browser opens it: https://hub.example.org/hub/",
    )
    hub.add_argument(
        "--hub-api", metavar="URL", help="address of its API, as this machine reaches it"
    )
    hub.add_argument("--hub-service", metavar="NAME", help="name of this service at the hub")
    hub.add_argument(
        "--hub-token",
        type=Path,
        metavar="FILE",
        help="file, readable by its owner alone, with the API token of this service",
    )
    hub.add_argument(
        "--hub-without-servers",
        action="store_true",
        help="say that no one has a server of their own at this hub, so that the pages may have "
        "its host name: a page of such a server could act as the person who opens it",
    )
    hub.add_argument(
        "--hub-seconds",
        type=positive,
        default=60,
        metavar="SECONDS",
        help="time for which an answer of the hub counts: so long after signing out there, or "
        "after access was taken away, a session goes on; by default %(default)s",
    )


def chosen_sign_in(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of ``serve`` that the options stand for.

    Raises
    ------
    SettingsError
        If the options do not fit each other, or a file with a secret cannot be used.
    """
    _refuse_unused(options)
    environment = os.environ
    given: dict[str, Any] = {
        "host": options.host or "127.0.0.1",
        "port": options.port,
        "socket_path": options.socket,
        "socket_group": options.socket_group,
        "address": options.address,
        "insecure": options.insecure,
        "longest_life": timedelta(hours=options.session_hours),
        "longest_idle": timedelta(minutes=options.idle_minutes),
    }
    if options.sign_in == "proxy":
        given["sign_in"] = _by_proxy(options)
    if options.sign_in == "hub":
        # What the hub tells a service that it starts.
        listen = urlsplit(environment.get("JUPYTERHUB_SERVICE_URL", ""))
        if options.host is None and options.socket is None and listen.hostname:
            given["host"], given["port"] = listen.hostname, options.port or listen.port
        given["address"] = options.address or environment.get("JUPYTERHUB_PUBLIC_URL") or None
        if given["address"] is None:
            raise SettingsError(
                "is needed: neither the hub nor an option says where people open the pages",
                where="--address",
                fix="Write it like https://sightline.example.org/, or set public_url at the hub",
            )
        given["sign_in"] = _by_hub(options)
    return given


def _by_proxy(options: argparse.Namespace) -> SignIn:
    from workbench.server.proxy import ProxySignIn
    from workbench.server.secret import read_secret

    file = options.proxy_secret
    return ProxySignIn(
        header=options.proxy_header,
        account=options.proxy_account,
        secret=read_secret(file, option="--proxy-secret") if file else "",
        signed_out=options.signed_out,
    )


def _by_hub(options: argparse.Namespace) -> SignIn:
    from workbench.server.secret import read_secret

    try:
        from workbench.server.hub import HubSignIn
    except ModuleNotFoundError:
        raise SettingsError(
            "needs the library of JupyterHub, which is not installed",
            where="--sign-in hub",
            fix="Install it with `pip install 'sightline-workbench[hub]'`",
        ) from None
    file = options.hub_token
    given = {
        "api": options.hub_api or "",
        "service": options.hub_service or "",
        "public": options.hub or "",
        "token": read_secret(file, option="--hub-token") if file else "",
    }
    return HubSignIn.read(
        os.environ,
        given=given,
        without_servers=options.hub_without_servers,
        asked_seconds=float(options.hub_seconds),
    )


def _refuse_unused(options: argparse.Namespace) -> None:
    """Refuse options of another way to sign in: who gives them believes something of the server."""
    of_way = {
        "proxy": ("proxy_account", "proxy_secret", "signed_out"),
        "hub": ("hub", "hub_api", "hub_service", "hub_token", "hub_without_servers"),
    }
    for way, names in of_way.items():
        used = [name for name in names if getattr(options, name)]
        if used and options.sign_in != way:
            raise SettingsError(
                f"belongs to --sign-in {way}",
                where=f"--{used[0].replace('_', '-')}",
                fix=f"Add --sign-in {way}, or leave it out",
            )
    if options.socket is not None and (options.host or options.port):
        raise SettingsError(
            "a server listens on a socket or at a host and port",
            where="--socket",
            fix="Leave out --host and --port",
        )
