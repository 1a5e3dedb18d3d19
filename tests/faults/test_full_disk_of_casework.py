"""A full disk under casework: told as such, no half file, no key without content, no orphan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pictures import jpeg
from searching import search
from shapely import box
from small_disks import Disk

from workbench.casework.cases import Case, Request
from workbench.casework.drafts import keep_draft, read_drafts
from workbench.casework.evidence.archive import verify_archive
from workbench.casework.evidence.export import export
from workbench.casework.record.audit import verify
from workbench.casework.reviewing.fillers import add_fillers
from workbench.casework.reviewing.review import list_for_review
from workbench.domain import District, Probe, Scope
from workbench.gallery import Gallery
from workbench.widgets.components.bookmarks import Bookmarks


@pytest.fixture
def disk(small_disk: Callable[..., Path]) -> Disk:
    return Disk(small_disk("size=16m"))


@pytest.fixture
def fresh_home(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an installation on the small disk."""
    home = disk.folder / "home"
    home.mkdir()
    monkeypatch.setenv("SIGHTLINE_HOME", str(home))
    monkeypatch.chdir(disk.folder)
    return home


def whole(office: Any) -> Callable[[], object]:
    def look() -> object:
        assert verify(office.folder).sound
        return [case.reference for case in office.register.all_cases()]

    return look


def test_a_request(office: Any, ask: Callable[..., Request], subject: Probe, disk: Disk) -> None:
    """No photograph of a person stays without a case."""
    register = office.sit("anna")
    disk.hold(lambda n: register.ask(ask(f"A-{n}"), subject=subject), leaves=whole(office))


def test_a_grant(office: Any, disk: Disk) -> None:
    register = office.sit("ada")
    disk.hold(lambda n: register.grant(f"nina{n}", "analyst"), leaves=whole(office))


def test_an_export(office: Any, case: Case, gallery: Gallery, disk: Disk) -> None:
    """The first one makes the key that signs it."""
    register = office.sit("anna")

    def write(number: int) -> None:
        export(register, "A-1", gallery, disk.folder / f"{number}.zip")
        assert verify_archive(disk.folder / f"{number}.zip").sound
        (disk.folder / f"{number}.zip").unlink()

    disk.hold(write, leaves=whole(office))


def test_a_search_and_a_review_list(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope, disk: Disk
) -> None:
    register = office.sit("anna")

    def look(number: int) -> None:
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
        list_for_review(register, "A-1", found.candidates)

    disk.hold(look, leaves=whole(office))


def test_what_a_page_keeps(office: Any, case: Case, disk: Disk) -> None:
    register = office.sit("anna")
    kept = Bookmarks(office.home, register.me)
    here = District("Here", box(-0.02, 51.47, 0.0, 51.49))
    disk.hold(
        lambda n: keep_draft(
            register, "A-1", {"n": n, "x": "y" * 50_000}, [jpeg(f"{n}")], page="one"
        ),
        leaves=lambda: read_drafts(register, "A-1"),
    )
    disk.hold(lambda n: kept.keep(f"place {n}", here), leaves=lambda: set(kept.read()))


def test_fillers(office: Any, disk: Disk) -> None:
    register = office.sit("sara")
    disk.hold(
        lambda n: add_fillers(register, [jpeg(f"{n} {k}") for k in range(3)], source="made up"),
        leaves=whole(office),
    )
