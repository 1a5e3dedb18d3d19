"""Identity of a user according to JupyterHub."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any, TypeAlias

from workbench.errors import NotPermitted

BELIEVED_SECONDS = 60.0  # how long an answer of the hub is reused
_MOST_BYTES = 1 << 20

Answers: TypeAlias = dict[tuple[str, str], tuple[float, str]]
"""By address of the hub and token: when it answered (``time.monotonic()``), and the name."""


def account_at_hub(api: str, answers: Answers) -> str:
    """Ask the hub for the name of the user whose token this process was given.

    Uses ``GET /user`` of JupyterHub's REST API. The hub's address comes from the people file, never
    from the environment, and no proxy of the environment is used: either could lead to a forged
    hub. Raises NotPermitted if there is no token or the hub names no one.
    *answers* are those it gave before, believed for a while; this one is added.
    """
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    if not token:
        raise NotPermitted(
            "this process was not started by JupyterHub: it has no token from the hub",
            where=api,
            fix="Open Sightline from your server on the hub",
        )
    known = answers.get((api, token))
    if known and time.monotonic() - known[0] < BELIEVED_SECONDS:
        return known[1]
    request = urllib.request.Request(  # noqa: S310 - http(s), checked when it was read
        f"{api}/user", headers={"Authorization": f"token {token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=5) as answer:
            body = json.loads(answer.read(_MOST_BYTES))
        name = body["name"] if body.get("kind", "user") == "user" else ""
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else repr(error)
        raise NotPermitted(
            f"the hub did not identify the user ({reason})",
            where=api,
            fix="Start your server on the hub again",
        ) from None
    if not isinstance(name, str) or not name:
        raise NotPermitted("the hub knows no user with this token", where=api, fix="Log in again")
    answers[(api, token)] = (time.monotonic(), name)
    return name


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: it could lead to a forged hub."""
