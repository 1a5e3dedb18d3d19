"""Sockets the server listens on, and privacy of what is sent there."""

from __future__ import annotations

import ctypes
import errno
import grp
import os
import socket
import sys
from pathlib import Path

from tornado.netutil import bind_sockets, bind_unix_socket

from workbench.errors import SettingsError
from workbench.server.address import Address, is_loopback

DEFAULT_PORT = 8866

_DUMPABLE = 4  # PR_SET_DUMPABLE of prctl(2)


def listen(host: str, port: int | None, *, usual: int = DEFAULT_PORT) -> list[socket.socket]:
    """Listen at a host and port; None for the *usual* port, or any where that is taken.

    Raises
    ------
    SettingsError
        If the port is taken, or the host is not an address of this machine.
    """
    try:
        return bind_sockets(usual if port is None else port, host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return bind_sockets(0, host)
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                "is in use by another program", where=f"port {port}", fix="Choose another port"
            ) from None
        raise SettingsError(
            f"cannot listen on this address ({error.strerror or error})",
            where=f"{host}:{usual if port is None else port}",
            fix="Use an address of this machine and a port above 1023",
        ) from None


def listen_at(path: Path, *, group: str | None) -> list[socket.socket]:
    """Listen on a Unix socket, which the account of the server and *group* may connect to.

    Raises
    ------
    SettingsError
        If there can be no socket at that path, or no such group.
    """
    try:
        number = grp.getgrnam(group).gr_gid if group else -1
        found = bind_unix_socket(str(path), mode=0o600)
        os.chown(path, -1, number)
        path.chmod(0o660 if group else 0o600)
    except KeyError:
        raise SettingsError(
            "there is no such group on this machine",
            where=f"--socket-group {group}",
            fix="Name a group of the account that the proxy runs as",
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"cannot listen there ({getattr(error, 'strerror', None) or error})",
            where=f"--socket {path}",
            fix="Name a new file in a folder of the server's account, with a path of at most 107 "
            "bytes; to give it to a group, that account must be in it",
        ) from None
    return [found]


def public_address(given: str | None, *, host: str, port: int, tunnels: bool) -> Address:
    """Address of the pages: the one that is *given*, else that of a server that is opened directly.

    With *tunnels*, such a server may be reached through a tunnel that begins at another port.

    Raises
    ------
    SettingsError
        If it is no address, or there is none for a Unix socket.
    """
    if given is not None:
        return Address.parse(given)
    if not host:
        raise SettingsError(
            "is needed for a server on a Unix socket",
            where="--address",
            fix="Name the address under which people open the pages, as the proxy serves it",
        )
    everywhere = {"0.0.0.0", "::"}  # noqa: S104 - shown as the name of the machine
    host = socket.gethostname() if host in everywhere else host
    return Address.of_desk(host, port, tunnels=tunnels)


def check_privacy(address: Address, *, host: str, insecure: bool, team: bool) -> None:
    """Refuse to send people's work over a network in the clear, unless that is asked for.

    Parameters
    ----------
    address : Address
        Where people open the pages.
    host : str
        Where the server listens; empty for a Unix socket.
    insecure : bool
        True if the administrator says that nobody else can read the network.
    team : bool
        True if people sign in by a hub or a proxy, for which browsers must tell where a request
        comes from: they tell it to TLS and to this machine alone.

    Raises
    ------
    SettingsError
        If plain HTTP would leave this machine.
    """
    open_address = not address.is_secure and not address.is_local
    if open_address and team:
        raise SettingsError(
            "is neither https nor of this machine: browsers do not say there where a request comes "
            "from, and anyone on the way could read it",
            where=f"--address {address}",
            fix="Give the pages an https address: docs/operate.md has a proxy with TLS",
        )
    leaves = f"--host {host}" if host and not is_loopback(host) else ""
    if not leaves and open_address:
        leaves = f"--address {address}"
    if leaves and not insecure:
        raise SettingsError(
            "plain HTTP would leave this machine, readable by anyone on the way",
            where=leaves,
            fix="Let a proxy with TLS stand in front (docs/operate.md), or add --insecure on a "
            "network that no one else can read",
        )


def hide_memory() -> None:
    """Keep other processes of the server's account out of its memory and its environment.

    The kernels are such processes. The system's own account is kept out of nothing.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
