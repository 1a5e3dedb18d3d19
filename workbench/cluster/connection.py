"""Connection to a cluster of Ray; one in which strangers could take part is refused.

All who may start work on a cluster may run any code there. Ray asks for a token only where it is
told to, and its processes listen to every network of a machine, even if their own address is one of
loopback (measured with Ray 2.60). So the token is always asked for, and TLS wherever anything but
loopback lies between the nodes. That the token is asked for is tried out, as a stranger; that both
sides have TLS or neither, by a handshake, as Ray says nothing of it and waits.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import logging
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.errors import SettingsError

# What a process says that asks a cluster for something with a token that nobody gave out.
_STRANGER = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).internal_kv_keys(b"", namespace=None, timeout=30)
except AuthenticationError:
    print("turned away")
else:
    print("let in")
"""
_SECONDS = 90.0  # in which such a process says so: importing Ray takes some of them
_ON = ("1", "true")
# Certificate and key of this machine, and the authority of all of them.
_CERTIFICATES = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")
_HANDSHAKE_SECONDS = 10.0

_LOG = logging.getLogger(__name__)
_LOCK = threading.Lock()
_lasting = False  # somebody wants the connection until the process ends


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect this process to a cluster while the context is open, unless it is connected already.

    Raises SettingsError as :func:`connect` does, or if it is connected to another cluster.
    """
    with _LOCK:
        own = _connect_once(address)
    try:
        yield
    finally:
        with _LOCK:
            if own and not _lasting:
                library().shutdown()


def stay_connected(address: str) -> None:
    """Connect this process to a cluster until it ends, unless it is connected to it already.

    Raises SettingsError as :func:`connected` does.
    """
    global _lasting  # as the connection is: the process has one
    with _LOCK:
        _connect_once(address)
        _lasting = True


def _connect_once(address: str) -> bool:
    """Connect this process; return False if it was connected to that cluster before."""
    ray = library()
    if not ray.is_initialized():
        connect(address)
        return True
    here = ray.get_runtime_context().gcs_address
    if address != "auto" and _places(address).isdisjoint(_places(here)):
        raise _unusable(
            f"cannot be used beside the cluster at {here}, to which this process is connected",
            address,
            "Use that one, or another process",
        )
    return False


def _places(address: str) -> set[tuple[str, str]]:
    """Addresses and port that ``HOST:PORT`` stands for; itself where its host is not known."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), None)
    except OSError:
        return {(host, port)}
    return {(str(place[0]), port) for *_, place in found}


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
        this process has none or another one; if TLS is off and a node lies beyond loopback, or is
        on for one side alone, or by another authority; if this machine is no node of it.
    """
    _token_here(address)
    ray = library()
    found = _resolved(address)
    _refuse_without_tls([found], address)
    _refuse_one_sided_tls(found, address)
    _refuse_open_to_strangers(found, address)
    from ray._raylet import GcsClient
    from ray.job_config import JobConfig

    try:
        # Says at once that a token is not the right one.
        _refuse_without_a_node(GcsClient(address=found), address)
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
        from ray.exceptions import AuthenticationError

        Config.initialize("")  # reads the environment again, if Ray was imported before
        loader = AuthenticationTokenLoader.instance()
        loader.reset_cache()
        with contextlib.suppress(AuthenticationError):  # it is named, and cannot be read
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
    if _tls_is_on():
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


def _refuse_without_a_node(client: Any, address: str) -> None:
    """Refuse where no node of a cluster runs on this machine: Ray would wait, and not say why."""
    from ray._private.services import find_node_ids

    here = find_node_ids()
    if not any(node.hex() in here for node in client.get_all_node_info(timeout=10)):
        raise _unusable(
            "has no node on this machine",
            address,
            "Start one here, of no processors if it is to do nothing: `ray start --num-cpus=0`, "
            "with the address and the settings of the others; see docs/scale.md",
        )


def _tls_is_on() -> bool:
    return os.environ.get("RAY_USE_TLS", "0").lower() in _ON


def _refuse_one_sided_tls(found: str, address: str) -> None:
    """Shake hands with a cluster as this process would talk to it, and refuse if that is no use."""
    is_on, is_spoken = _tls_is_on(), False
    context = _own_certificates(address) if is_on else _anybody()
    context.set_alpn_protocols(["h2"])
    host, _, port = found.rpartition(":")
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_HANDSHAKE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            is_spoken = True
            # The other side says what it thinks of our certificate afterwards.
            if is_on and not wrapped.recv(1):
                raise ConnectionAbortedError("closed")
    except TimeoutError:
        raise _unusable("does not answer", address, "Check that its head runs") from None
    except ssl.SSLCertVerificationError as error:
        raise _unusable(
            f"shows a certificate that cannot be trusted ({error.verify_message})",
            address,
            "Give each node a certificate for its address, of the authority that RAY_TLS_CA_CERT "
            "names here; see deploy/ray",
        ) from None
    except OSError as error:
        if is_spoken:
            raise _unusable(
                f"refuses the certificate of this machine ({error})",
                address,
                "Have one made by the authority of the cluster; see deploy/ray",
            ) from None
    if is_on and not is_spoken:
        raise _unusable(
            "has no TLS, which is on in this process",
            address,
            "Start each node with RAY_USE_TLS=1 and its certificates; see deploy/ray. On loopback "
            "alone neither side needs it",
        )
    if is_spoken and not is_on:
        raise _unusable(
            "has TLS, which is off in this process",
            address,
            "Set RAY_USE_TLS=1 and the certificates here too; see deploy/ray",
        )


def _anybody() -> ssl.SSLContext:
    """What finds out whether TLS is spoken at all; nothing is sent by it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _own_certificates(address: str) -> ssl.SSLContext:
    """What this machine shows and trusts: Ray ends the process where a file of it is missing."""
    certificate, key, authority = (os.environ.get(name, "") for name in _CERTIFICATES)
    try:
        if not (certificate and key and authority):
            raise FileNotFoundError(f"{', '.join(_CERTIFICATES)} are to name files")
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise _unusable(
            f"is not used with the certificates of this machine, which cannot be read ({error})",
            address,
            "Name them, in files that this account may read; see deploy/ray",
        ) from None
    return context


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
        "Check that the cluster runs",
    )


def _unusable(what: str, address: str, fix: str) -> SettingsError:
    return SettingsError(what, where=f"Ray at {address}", fix=fix)
