"""Playing several people where that is no game: parts outside of the demo's own home."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from office import Teller
from searching import search

from workbench.casework.cases import Request
from workbench.casework.record.identity import PART, SERVED
from workbench.casework.record.installation_file import INSTALLATION
from workbench.casework.record.people import PARTS, PEOPLE
from workbench.casework.training import FICTIONAL
from workbench.demo.home import demo_installation
from workbench.domain import Probe, Scope
from workbench.errors import GalleryError, NotPermitted, SettingsError
from workbench.gallery import Gallery
from workbench.installation import Installation


class Player:
    """Somebody at the demo's own home, whose server says which part they play."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        installation.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.teller = Teller(installation.folder)

    def play(self, part: str, *, by: str = "lena") -> Any:
        self.teller.says = {"account": part, "way": PART, "played_by": by}
        return self.installation.register


@pytest.fixture
def player(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Player]:
    made = Player(demo_installation(Installation.open()))
    monkeypatch.setenv(SERVED, "1")
    yield made
    made.teller.close()


def mode(folder: Path, said: str) -> None:
    """Write another mode into an installation's file by hand."""
    path = folder / INSTALLATION
    path.write_text(json.dumps({**json.loads(path.read_text()), "mode": said}))


def test_a_part_where_none_is_played(office: Any, fresh_home: Path) -> None:
    """In service, and in any other training home: whoever the server names."""
    office.teller.says = {"account": "anna", "way": PART, "played_by": "ada"}
    with pytest.raises(NotPermitted, match="anna is not a part that can be played here"):
        _ = office.register.me
    other = Player(Installation(office.installation.settings.model_copy(
        update={"home": fresh_home / "training"})))  # fmt: skip
    with pytest.raises(NotPermitted, match="not a part that can be played here"):
        _ = other.play("anna").me
    other.teller.close()


def test_a_part_that_names_no_player(player: Player) -> None:
    for says in (
        {"account": "anna", "way": PART},
        {"account": "anna", "way": PART, "played_by": ["lena"]},
        {"account": "anna", "way": PART, "played_by": "le\u202ena"},
        {"account": "anna", "way": "hub", "played_by": "lena"},
        {"account": "ada", "way": PART, "played_by": "lena"},  # no part of the demo
    ):
        player.teller.says = says
        with pytest.raises(NotPermitted):
            _ = player.installation.register.me


def test_a_home_that_is_made_the_demo_s_by_hand(office: Any, fresh_home: Path) -> None:
    """Also one that only trains; and the demo's own home is made no other."""
    _ = office.register.people
    mode(office.folder, "demo")
    (office.folder / PEOPLE).unlink()
    with pytest.raises(SettingsError, match="says demo, and the installation was put in service"):
        _ = office.fresh().me
    for before, after in (("training", "demo"), ("demo", "training"), ("demo", "in service")):
        settings = office.installation.settings.model_copy(update={"home": fresh_home / after})
        settings.home.mkdir(exist_ok=True)
        office.patch.delenv(SERVED, raising=False)
        made = Installation(settings)
        if before == "demo":
            made = demo_installation(made)
        _ = made.register.people
        mode(made.folder, after)
        with pytest.raises(SettingsError, match=f"says {after}, and its first use was as {before}"):
            _ = Installation(made.settings).register.me


def test_other_footage_in_a_home_that_says_it_is_the_demo_s(
    player: Player, unowned: Gallery, subject: Probe, permitted: Scope,
    ask: Callable[..., Request],
) -> None:  # fmt: skip
    """What is gained by forging the file of a home that was never used: nothing to search."""
    here = player.installation
    register = player.play("anna")
    register.ask(ask(members=("rosa", "tom")), subject=subject)
    player.play("sara").approve("A-1", digest=register.case("A-1").digest)
    player.play("anna")
    why = "no gallery is opened but the demo's"
    with pytest.raises(NotPermitted, match=why):
        search(unowned, subject, permitted, case="A-1", installation=here)  # past its opening
    with pytest.raises(GalleryError, match=why):
        here.open_gallery(unowned.path)
    player.teller.says = {"account": "lena", "way": "token"}
    for act in ("footage.index", "installation.change"):
        with pytest.raises(GalleryError, match=why):
            here.open_gallery(unowned.path, write=True, action=act)
    empty = here.gallery_for_writing(here.settings.home / "mine.duckdb", unowned.profile)
    with empty, pytest.raises(GalleryError, match="only the demo's own footage"), (
        empty.claim({"00" * 32}, True)  # type: ignore[misc]
    ):  # fmt: skip
        pytest.fail("claimed")
    assert not {"00" * 32} & FICTIONAL


def test_a_role_in_the_demo_s_own_home(player: Player) -> None:
    """It would be in service then, with parts that one person plays."""
    for name in ("sara", "otto"):
        with pytest.raises(SettingsError, match="grants no roles"):
            player.play(name).grant("lena", "supervisor")
    folder = player.installation.folder
    (folder / PEOPLE).write_text('{"people": {"lena": ["administrator"]}}')
    (folder / PEOPLE).chmod(0o600)
    with pytest.raises(SettingsError, match="has no people file"):
        _ = player.play("anna").me


def test_two_decisions_that_one_part_may_not_take(
    player: Player, ask: Callable[..., Request], subject: Probe
) -> None:
    """The rules hold between parts as between people, and each entry says who plays."""
    register = player.play("anna")
    case = register.ask(ask(members=("rosa", "tom")), subject=subject)
    assert case.without_authority
    assert not case.is_training
    for name in ("anna", "rosa", "otto"):
        with pytest.raises(NotPermitted):
            player.play(name).approve("A-1", digest=case.digest)
    assert player.play("sara").approve("A-1", digest=case.digest).state == "open"
    made = [entry for entry in register.entries_of("A-1", "case.") if entry.by]
    assert [entry.by["account"] for entry in made] == ["anna", "sara"]
    assert {(e.by["way"], e.by["played_by"]) for e in made} == {(PART, "lena")}
    assert {*PARTS} == {"anna", "sara", "rosa", "tom", "otto"}
