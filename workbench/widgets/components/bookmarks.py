"""Bookmarks: districts that a person keeps by name, for all their cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import district as districts
from workbench.casework.record.files import write_whole
from workbench.domain import District
from workbench.errors import DistrictError, SettingsError, unwritten

if TYPE_CHECKING:
    from workbench.casework.record.people import Person

FOLDER = "bookmarks"
MOST, LONGEST = 100, 80


class Bookmarks:
    """One person's districts, in a GeoJSON file of their own under the installation's home.

    >>> kept = Bookmarks(Path("data"), register.me)                     # doctest: +SKIP
    >>> kept.keep("Market", district)                                   # doctest: +SKIP
    >>> kept.read()["Market"]                                           # doctest: +SKIP
    """

    def __init__(self, home: Path, person: Person) -> None:
        # An account of a hub may hold anything: never a path.
        name = hashlib.sha256(person.account.encode()).hexdigest()[:16]
        self.path = home / FOLDER / f"{name}.geojson"

    def read(self) -> dict[str, District]:
        """The districts by name; raise SettingsError if the file cannot be used."""
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                str(feature["properties"]["name"]): districts.from_geojson(feature, drawn=False)
                for feature in document["features"]
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, DistrictError) as error:
            raise SettingsError(
                f"your bookmarks cannot be read ({error})",
                where=str(self.path),
                fix="Correct the file or remove it; a new bookmark does not overwrite it",
            ) from None

    def keep(self, name: str, district: District) -> None:
        """Keep a district by a name, in place of one that had it."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST:
            raise DistrictError(
                f"a bookmark's name has 1 to {LONGEST} characters, not {len(name):,}",
                where="bookmark",
                fix="Choose another",
            )
        kept = self.read()
        if name not in kept and len(kept) >= MOST:
            raise DistrictError(
                f"there are {MOST} bookmarks already", where="bookmark", fix="Remove one first"
            )
        self._write({**kept, name: District(name, district.area)})

    def remove(self, name: str) -> None:
        """Take a bookmark away, if there is one of this name."""
        self._write({key: one for key, one in self.read().items() if key != name})

    def _write(self, kept: Mapping[str, District]) -> None:
        features = [districts.to_geojson(district) for district in kept.values()]
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, text.encode())
        except OSError as error:
            what, fix = unwritten(error, fix="Ask the administrator to check the disk")
            raise SettingsError(f"the bookmark {what}", where=str(self.path), fix=fix) from None
