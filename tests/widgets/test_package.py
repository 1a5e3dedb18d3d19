"""The court package, made from the page of sightings: real recordings, real films."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from workbench.casework.evidence.archive import verify_archive
from workbench.casework.record.people import Person
from workbench.casework.register import all_entries
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.reviewing.reviewlist import reviewed
from workbench.casework.training import TRAINING_NOTICE
from workbench.domain import Progress
from workbench.installation import Installation
from workbench.investigation import whole_scope
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.sightings import SightingsModel, SightingsPage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(
    small_town: Path,
    calibrated_on_the_demo: Installation,
    wanted: tuple[Path, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> SightingsPage:
    """Two sightings of a training case, which two people decided on."""
    home = tmp_path_factory.mktemp("own")
    settings = calibrated_on_the_demo.settings
    if settings.models.is_dir():
        (home / "models").symlink_to(settings.models)
    installation = Installation(settings.model_copy(update={"home": home, "case": "T-1"}))
    register = installation.register
    with installation.open_gallery(small_town) as gallery:
        register.train("T-1", whole_scope(gallery), title="A walk through town")
    asked = Investigation(small_town, installation=installation)
    asked.case = "T-1"
    asked.add_photograph("one.jpg", wanted[0].read_bytes())
    asked.set_district(asked.whole_area())
    asked.search()
    assert asked.result is not None, asked.messages
    list_for_review(register, "T-1", asked.shown, of=asked.result.found, probe=asked.result.probe)
    for item in reviewed(register, "T-1"):
        for number, account in enumerate(("anna", "rosa"), start=1):
            about = {"case": "T-1", "key": item.key, "round": number, "conclusion": 2,
                     "features": {"nose": "similar"}, "reason": "As a fixture."}  # fmt: skip
            by = Person(account, "account", 1, frozenset(), in_service=False)
            register.record("review.decided", about, by=by)
    made = SightingsPage(SightingsModel(small_town, installation=installation))
    assert len(made.model.sightings) == 2
    return made


def exports(page: SightingsPage) -> list[Any]:
    entries = all_entries(page.model.installation.register.folder)
    return [entry.about for entry in entries if entry.what == "evidence.exported"]


def frames(film: bytes) -> list[tuple[float, np.ndarray]]:
    with av.open(io.BytesIO(film)) as opened:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in opened.decode(video=0)]


def test_a_court_package_holds_all_that_a_court_is_shown_and_is_signed_as_a_whole(
    page: SightingsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, model = page.package, page.model
    assert panel.layout.display == ""
    saved: list[tuple[str, bytes]] = []
    monkeypatch.setattr(panel.saver, "save", lambda name, _, content: saved.append((name, content)))
    panel.sharp.value = True
    panel.make.click()
    assert "Say in a sentence why" in model.messages["package"]
    panel.reason.value = "The court asked for the bystanders."
    seen: list[Progress] = []
    model.observe(lambda change: seen.append(change["new"]), "progress")
    panel.make.click()
    assert "package" not in model.messages, model.messages
    ((name, content),) = saved
    assert name == "TRAINING-court-package-T-1.zip"
    (tmp_path / name).write_bytes(content)
    assert verify_archive(tmp_path / name).sound
    assert exports(page)[-1]["sharp"] == "The court asked for the bystanders."
    assert "is on record under T-1" in panel.status.value
    done = [progress.done for progress in seen if progress is not None]
    assert done == sorted(done)
    assert 0 < max(done) <= 2000

    with zipfile.ZipFile(tmp_path / name) as opened:
        files = {one: opened.read(one) for one in opened.namelist()}
    clips = {kind: [n for n in files if n.startswith(f"{kind}/TRAINING-000")]
             for kind in ("clips", "sharp")}  # fmt: skip
    assert [len(names) for names in clips.values()] == [2, 2]
    coarse, sharp = (frames(files[names[0]]) for names in clips.values())
    assert len(coarse) == len(sharp) > 20
    detail = [np.abs(np.diff(picture.astype(int), axis=0)).mean() for _, picture in
              (coarse[5], sharp[5])]  # fmt: skip
    assert detail[1] > detail[0]
    # Case and training stand under each picture, which is as high as recorded.
    for _, picture in (coarse[0], coarse[-1], sharp[5]):
        assert picture.shape[0] > 360
        assert picture.shape[1] == 640
        band = picture[362:]
        assert band.max() > 200
        assert np.median(band) < 60
    whole = frames(files["TRAINING-compilation.mp4"])
    seconds = [second for second, _ in whole]
    assert seconds == sorted(seconds)
    assert whole[-1][0] > coarse[-1][0] + 2 * 2.5  # both clips, each behind its card
    # The real time stands below each picture, and nothing of the picture under it.
    bands = [picture[-56:, :500] for _, picture in whole[-30:]]
    assert all(band.max() > 200 for band in bands)
    assert np.abs(bands[0].astype(int) - bands[-1]).max() > 100  # it goes on
    for part in ("report.pdf", "stills.pdf"):
        assert files[part].startswith(b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(files["report.docx"])) as document:
        for one in document.namelist():
            if one.endswith((".xml", ".rels")):
                ElementTree.fromstring(document.read(one))
        words = document.read("word/document.xml").decode()
        assert TRAINING_NOTICE in document.read("word/header.xml").decode()
        assert len([one for one in document.namelist() if one.startswith("word/media/")]) >= 4
    report = files["report.html"].decode()
    for told in ("A walk through town", "TRAINING-compilation.mp4", "stills.pdf", *clips["sharp"]):
        assert told in words
        assert told in report
    assert "filler" not in report.lower()


def test_a_court_package_that_is_cancelled_leaves_nothing(
    page: SightingsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, model, before = page.package, page.model, len(exports(page))
    saved: list[str] = []
    monkeypatch.setattr(panel.saver, "save", lambda name, *_: saved.append(name))
    panel.sharp.value = False
    stop: Callable[[Any], None] = lambda change: change["new"] and model.cancel()  # noqa: E731
    model.observe(stop, "progress")
    panel.make.click()
    model.unobserve(stop, "progress")
    assert "cancelled" in model.messages["package"]
    assert (saved, len(exports(page)), model.state) == ([], before, "idle")
