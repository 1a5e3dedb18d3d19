"""Questions to the API of a hub that need none of its libraries."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from workbench.errors import ServerError, SettingsError

_SECONDS = 20.0
_MOST_BYTES = 2**20


def hub_version(api: str) -> str:
    """Ask a hub for its version, which takes no token; raises as :func:`people_with_servers`."""
    answer = _asked(f"{api.rstrip('/')}/")
    return str(answer.get("version", "unknown")) if isinstance(answer, dict) else "unknown"


def people_with_servers(api: str, token: str) -> list[str]:
    """Ask a hub who has a server of their own there that runs now.

    Parameters
    ----------
    api : str
        Address of the hub's API.
    token : str
        A token with the scope ``list:users``.

    Raises
    ------
    SettingsError
        If the address is not one.
    ServerError
        If the hub does not answer, or the token does not let it say.
    """
    answer = _asked(f"{api.rstrip('/')}/users?state=active&limit=50", token)
    if not isinstance(answer, list):
        raise ServerError("does not answer as a hub does", where=api, fix="Correct its address")
    return [str(user.get("name", "")) for user in answer if isinstance(user, dict)]


def _asked(address: str, token: str = "") -> Any:
    if not address.startswith(("http://", "https://")):
        raise SettingsError(
            "is not the address of a hub's API",
            where=address,
            fix="Write it like http://127.0.0.1:8081/hub/api",
        )
    request = urllib.request.Request(address)  # noqa: S310 - checked above
    if token:  # for the hub alone, wherever it may send this on
        request.add_unredirected_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        if error.code in (401, 403) and token:
            raise ServerError(
                "does not let this service see who has a server of their own",
                where=address,
                fix="Give the service the scope list:users, as deploy/jupyterhub_config.py does",
            ) from None
        reason: object = f"status {error.code}"
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
    raise ServerError(
        f"cannot be asked ({reason})", where=address, fix="Start the hub, or correct its address"
    )
