"""Connection to a cluster of Ray; one in which strangers could take part is refused.

All who may start work on a cluster may run any code there. Ray asks for a token only where it is
told to, and its processes listen to every network of a machine, even if their own address is one of
loopback (measured with Ray 2.60). So the token is always asked for, and TLS wherever anything but
loopback lies between the nodes. That the token is asked for is tried out, as a stranger.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.errors import SettingsError

# What a process says that asks a cluster for something with a token that nobody gave out.
_STRANGER = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).internal_kv_keys(b"", namespace=None, timeout=5)
except AuthenticationError:
    print("turned away")
else:
    print("let in")
"""
_SECONDS = 60.0  # in which such a process says so: importing Ray takes some of them
_ON = ("1", "true")

_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect this process to a cluster while the context is open, unless it is connected already.

    Raises SettingsError as :func:`connect` does.
    """
    if library().is_initialized():
        yield
        return
    connect(address)
    try:
        yield
    finally:
        library().shutdown()


def connect(address: str) -> None:
    """Connect this process to a cluster.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` of its head, or ``auto`` for the one that ``RAY_ADDRESS`` names, or that was
        started on this machine.

    Raises
    ------
    SettingsError
        If Ray is not installed or there is no such cluster; if the cluster asks for no token, or
        this process has none or another one; if TLS is off and a node lies beyond loopback.
    """
    _token_here(address)
    ray = library()
    found = _resolved(address)
    _refuse_without_tls([found], address)
    _refuse_open_to_strangers(found, address)
    from ray._raylet import GcsClient
    from ray.job_config import JobConfig

    try:
        GcsClient(address=found)  # which says at once that a token is not the right one
        ray.init(
            address=found,
            namespace="sightline",
            # A job of "a client" has no module imported from the driver's working directory, where
            # footage of others may lie.
            job_config=JobConfig(_client_job=True),
            log_to_driver=False,
            configure_logging=False,
        )
    except (ray.exceptions.AuthenticationError, ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        first = (str(error).splitlines() or [repr(error)])[0]
        raise _unusable(
            f"cannot be connected to ({first})",
            address,
            "Check its address, and that this machine has its token and certificates",
        ) from None
    try:
        _refuse_without_tls([n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]], address)
    except SettingsError:
        ray.shutdown()
        raise


def library() -> Any:
    """Import Ray; raise SettingsError where it is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise SettingsError(
            "Ray is not installed",
            where="cluster",
            fix="Install sightline-workbench[cluster], here and on each node",
        )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    import ray._private.worker
    import ray.exceptions

    # What nodes say goes to the log: Ray would print it among the results of a command.
    ray._private.worker.print_to_stdstream = _log
    return ray


def _log(said: dict[str, Any], **_: object) -> None:
    _LOG.info("%s: %s", said.get("pid"), "\n".join(said.get("lines", ())))


def _token_here(address: str) -> None:
    """Refuse where this process has no token: without one Ray would ask for none, or abort."""
    if os.environ.get("RAY_AUTH_MODE", "token").lower() == "token":
        os.environ["RAY_AUTH_MODE"] = "token"  # its default is none
        library()
        from ray._raylet import AuthenticationTokenLoader, Config

        Config.initialize("")  # reads the environment again, if Ray was imported before
        loader = AuthenticationTokenLoader.instance()
        loader.reset_cache()
        if loader.has_token(ignore_auth_mode=True):
            return
    raise _unusable(
        "is not used without a token: anyone who reaches it could run any code there",
        address,
        "Start each node with RAY_AUTH_MODE=token and one token (`ray get-auth-token --generate`), "
        "and give it to this process in ~/.ray/auth_token or RAY_AUTH_TOKEN_PATH; see deploy/ray",
    )


def _resolved(address: str) -> str:
    """Address of a cluster as ``HOST:PORT``, at which something answers."""
    from ray._private.services import canonicalize_bootstrap_address_or_die

    try:
        if "://" in address:
            raise ValueError("HOST:PORT is wanted")
        found = str(canonicalize_bootstrap_address_or_die(address))
        host, _, port = found.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (ConnectionError, ValueError, OSError) as error:
        raise _unusable(
            f"no cluster answers there ({error})",
            address,
            "Give HOST:PORT of its head, as `ray start --head` says it",
        ) from None
    return found


def _refuse_without_tls(places: Iterable[str], address: str) -> None:
    """Refuse if one of these hosts lies beyond loopback and TLS is off in this process.

    With TLS on, a node that has none cannot be talked to, so asking this process is enough.
    """
    if os.environ.get("RAY_USE_TLS", "0").lower() in _ON:
        return
    for place in places:
        host = place.rpartition(":")[0].strip("[]") or place
        for *_, found in socket.getaddrinfo(host, None):
            if not ipaddress.ip_address(found[0]).is_loopback:
                raise _unusable(
                    f"is not used without TLS: {host} is not this machine's loopback",
                    address,
                    "Set RAY_USE_TLS=1 and the certificates, here and on each node; see deploy/ray",
                )


def _refuse_open_to_strangers(found: str, address: str) -> None:
    """Ask a cluster for something with a token of our own making, and refuse it if it answers."""
    environment = {k: v for k, v in os.environ.items() if k != "RAY_AUTH_TOKEN_PATH"}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(24)}
    # The same modules as here, and none of the working directory.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    environment["PYTHONSAFEPATH"] = "1"
    try:
        said = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _STRANGER, found],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        ).stdout.strip()
    except subprocess.TimeoutExpired:
        said = ""
    if said == "turned away":
        return
    if said == "let in":
        raise _unusable(
            "asks for no token: anyone who reaches it could run any code there",
            address,
            "Start each node with RAY_AUTH_MODE=token; see deploy/ray",
        )
    raise _unusable(
        "does not say whether it asks for a token",
        address,
        "Check that the cluster runs, and that TLS is on or off alike here and there",
    )


def _unusable(what: str, address: str, fix: str) -> SettingsError:
    return SettingsError(what, where=f"Ray at {address}", fix=fix)
