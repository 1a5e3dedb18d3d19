"""Searcher of a node: made as the node is set up, for an installation whose keys it is given.

The keys come over the cluster's own channel, from who makes the searcher, once: with a token, and
with TLS beyond loopback (:mod:`workbench.cluster.connection`). They are public: nobody signs with
them. So what they rest on is who may start work on the cluster; whoever may can make a searcher
with keys of their own, and has no need of it, as any code can read the storage there.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from workbench.casework.searcherlogs import FOLDER, SearcherLog
from workbench.cluster.services import Handler, Services
from workbench.errors import SettingsError
from workbench.gallery.cache import CachePlace
from workbench.indexing.passing import code
from workbench.searchers import wire
from workbench.searchers.searcher import Searcher
from workbench.settings import load_settings


def services(keys: Sequence[str]) -> Services:
    """Searchers on the nodes of the cluster that this process is connected to.

    *keys* are the public keys that sign tickets: each installation has searchers of its own.
    """
    message = wire.pack({"keys": sorted(keys), "code": code()})
    return Services(f"{__name__}:searcher", message)


def searcher(message: bytes) -> Handler:
    """Make the searcher of this process; its log is in the home of its node.

    Raises SettingsError if another version of Sightline is installed here.
    """
    about, _ = wire.unpack(message)
    if about["code"] != code():
        raise SettingsError(
            "another version of Sightline is installed than where searches are made",
            fix="Install the same one on each node",
        )
    settings, host = load_settings(), socket.gethostname()
    most = int(settings.cache_gb * 1e9)
    made = Searcher(
        about["keys"],
        SearcherLog(settings.home.resolve() / FOLDER / host),
        node=host,
        memory_mb=settings.search_memory_mb,
        cache=CachePlace(settings.cache_folder.resolve(), most) if most else None,
    )
    return made.answer


__all__ = ["searcher", "services"]
