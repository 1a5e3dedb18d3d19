"""Manifests of tests: one of each folder, in SQLite or in Postgres, and galleries over them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from postgres import Postgres

from workbench.gallery.committing import Committer
from workbench.gallery.connecting import database_at
from workbench.gallery.database import Database
from workbench.gallery.manifest import Manifest
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage


class Opening(Protocol):
    """Opens the database of the manifest in a folder, or makes it."""

    def __call__(self, folder: Path, *, write: bool = False, create: bool = False) -> Database: ...


def in_sqlite(folder: Path, *, write: bool = False, create: bool = False) -> Database:
    """Database in a file of the folder."""
    return database_at("manifest.sqlite", folder, write=write, create=create)


def in_postgres(server: Postgres) -> Opening:
    """Return what opens a schema of the server for each folder."""

    def opening(folder: Path, *, write: bool = False, create: bool = False) -> Database:
        schema = f"g{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
        address = server.address(schema)
        if create:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
        return database_at(address, folder, write=write, create=create)

    return opening


@dataclass
class Place:
    """A gallery, and what opens it."""

    folder: Path
    opening: Opening

    def committer(self, role: str = "writer") -> Committer:
        """Open it for writing."""
        database = self.opening(self.folder, write=True)
        return Committer(Manifest(database, "town.duckdb"), Storage.at(self.folder), role)

    def snapshot(self, memory_bytes: int = 2**30) -> Snapshot:
        """Open it for reading, as of the last commit."""
        manifest = Manifest(self.opening(self.folder), "town.duckdb")
        return Snapshot.latest(manifest, Storage.at(self.folder), memory_bytes=memory_bytes)

    def objects(self) -> list[str]:
        """Names of all files of its parts and packs."""
        storage = Storage.at(self.folder)
        return [*storage.names("parts"), *storage.names("packs")]
