"""The database at an address, as the file of a gallery has it."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import GalleryError
from workbench.gallery.database import Database, SQLiteDatabase

SCHEMES = ("postgresql://", "postgres://")


def database_at(
    address: str, folder: Path, *, write: bool = False, create: bool = False
) -> Database:
    """Open the database of a manifest, or make it.

    Parameters
    ----------
    address : str
        Name of a file in *folder*, or what libpq connects to, as
        ``postgresql://sightline@db.example.org/town?sslmode=verify-full``.
    folder : Path
        Folder of the gallery.

    Raises
    ------
    GalleryError
        If it is missing, cannot be read, or is to be made and exists.
    """
    if address.startswith(SCHEMES):
        try:
            from workbench.gallery.postgres import PostgresDatabase
        except ImportError as error:
            raise GalleryError(
                f"its manifest is in Postgres, whose driver cannot be loaded ({error})",
                where=str(folder),
                fix="Install it: pip install 'sightline-workbench[postgres]'",
            ) from error
        return PostgresDatabase(address, write=write, create=create)
    return SQLiteDatabase(folder / address, write=write, create=create)


__all__ = ["SCHEMES", "database_at"]
