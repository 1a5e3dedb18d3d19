"""The command line as scripts see it: one JSON object a line, progress elsewhere, exit status."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from commands import Run
from PIL import Image

from workbench.casework.reviewing.triage import sort_out, take_back
from workbench.casework.training import TRAINING_NOTICE
from workbench.cli.main import main
from workbench.cli.output import DONE, PROBLEMS, REFUSED
from workbench.faces.profiles import make_profile
from workbench.gallery import Gallery
from workbench.gallery.lookup import tracklets_by_id
from workbench.installation import Installation
from workbench.server import application

DISTRICT = {
    "type": "Polygon",
    "coordinates": [[[-1, 51], [1, 51], [1, 52], [-1, 52], [-1, 51]]],
}
CLIPS = (
    ("Maren Holt again", "maren.mkv", "C1"),
    ("Tobias Reed", "tobias.mkv", "C2"),
    ("Maren Holt", "later.mkv", "C2"),
)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory, cuts: dict[str, Path]) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    rows = ["file,camera_id,started_at"]
    for hour, (person, name, camera) in enumerate(CLIPS):
        shutil.copyfile(cuts[person], folder / name)
        rows.append(f"{name},{camera},2026-03-29T0{hour}:00:00+00:00")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    (folder / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,[red]Park,51.49,-0.02\n"
    )
    (folder / "district.geojson").write_text(json.dumps(DISTRICT))
    return folder


@pytest.fixture(scope="module")
def gallery(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gallery") / "g.duckdb"
    assert main(["index", str(footage), "--gallery", str(path)]) == DONE
    return path


@pytest.fixture(scope="module")
def still(footage: Path) -> Path:
    """A still of the person in maren.mkv and later.mkv."""
    import cv2

    from workbench.footage.frames import RecordingReader

    path = footage / "still.png"
    with RecordingReader(footage / "maren.mkv") as reader:
        cv2.imwrite(str(path), next(f.image() for f in reader.frames() if f.number == 20))
    return path


@pytest.fixture
def question(gallery: Path, still: Path, footage: Path, training: str) -> list[object]:
    return [
        "--case", training,
        "--gallery", gallery, "--probe", still, "--district", footage / "district.geojson",
        "--from", "2026-03-29T00:00:00+00:00", "--to", "2026-03-30T00:00:00+00:00",
    ]  # fmt: skip


def changed(question: list[object], option: str, *values: object) -> list[object]:
    at = question.index(option)
    return [*question[: at + 1], *values, *question[at + 2 :]]


def test_index_prints_a_line_a_recording_and_a_summary(
    run: Run, footage: Path, tmp_path: Path
) -> None:
    said = run("index", footage, "--gallery", tmp_path / "g.duckdb", "--json")
    assert said.status == DONE
    *recordings, summary = said.lines
    assert [r["file"] for r in recordings] == ["maren.mkv", "tobias.mkv", "later.mkv"]
    assert all(r["status"] == "indexed" and r["tracklets"] == 1 for r in recordings)
    assert summary | {"kind": "summary", "indexed": 3, "present": 0, "refused": 0} == summary
    assert "recordings" in said.err  # progress

    again = run("index", footage, "--gallery", tmp_path / "g.duckdb", "--json")
    assert again.lines[-1]["present"] == 3


def test_index_with_problems_says_so_by_its_exit_status(
    run: Run, footage: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "footage"
    shutil.copytree(footage, folder)
    with (folder / "footage.csv").open("a") as file:
        file.write("gone.mkv,C1,2026-03-29T05:00:00Z\ntobias.mkv,C1,2026-03-29T05:00:00\n")
    said = run("index", folder, "--gallery", tmp_path / "g.duckdb")
    assert said.status == PROBLEMS
    assert "gone.mkv: the file does not exist. Check the name in footage.csv" in said.err
    assert "footage.csv line 6: the time 2026-03-29T05:00:00 has no offset" in said.err
    assert "3 recordings indexed" in said.out


def test_search_finds_the_person_and_tells_what_scripts_need(
    run: Run, question: list[object]
) -> None:
    said = run("search", *question, "--json")
    assert said.status == DONE
    assert [line["recording"] for line in said.lines] == ["maren.mkv", "later.mkv"]
    best = said.lines[0]
    assert set(best) >= {
        "camera_id", "recording", "first_seen", "last_seen", "score", "quality",
    }  # fmt: skip
    assert best["camera_id"] == "C1"
    assert datetime.fromisoformat(best["first_seen"]).utcoffset() == timedelta(0)
    assert 5 < best["score"] < 12
    assert best["scale"].startswith("normalised-")
    assert 0 < best["quality"] <= 1
    assert {line["notice"] for line in said.lines} == {TRAINING_NOTICE}  # wherever it is copied


def test_a_photograph_that_was_turned_is_named_to_people_and_scripts(
    run: Run, question: list[object], still: Path, tmp_path: Path
) -> None:
    scan = tmp_path / "scan.png"
    Image.open(still).rotate(180).save(scan)
    note = "scan.png: it stood on its head and was turned upright"
    upright = run("search", *question, "--json").lines
    said = run("search", *changed(question, "--probe", scan), "--json")
    assert f"{note}.\n" in said.err
    assert [line.pop("probe_notes") for line in said.lines] == [[note], [note]]
    assert [line["tracklet_id"] for line in said.lines] == [one["tracklet_id"] for one in upright]
    drawn = run(
        "map", *changed(question, "--probe", scan), "--output", tmp_path / "map.html", "--json"
    )
    assert drawn.lines[0]["probe_notes"] == [note]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_console_that_lacks_a_character_shows_another(
    footage: Path,
    question: list[object],
    gallery: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
) -> None:
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    shutil.copyfile(footage / "maren.mkv", delivery / "北.mkv")
    (delivery / "footage.csv").write_text(
        "file,camera_id,started_at\n北.mkv,C1,2026-03-29T00:00:00+00:00\n", encoding="utf-8"
    )
    (delivery / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,北門,51.48,-0.01\n", encoding="utf-8"
    )
    path = tmp_path / "g.duckdb"

    def printed(*arguments: object) -> tuple[int, str, str]:
        streams = {
            name: io.TextIOWrapper(io.BytesIO(), encoding=encoding) for name in ("stdout", "stderr")
        }
        with monkeypatch.context() as patched:
            for name, stream in streams.items():
                patched.setattr(sys, name, stream)
            status = main([str(argument) for argument in arguments])
        for stream in streams.values():
            stream.flush()
        out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams.values())
        return status, out, err

    assert printed("index", delivery, "--gallery", path)[0] == DONE
    asked = changed(question, "--gallery", path)
    status, out, _ = printed("search", *asked)
    assert status == DONE
    assert ("北門 (C1)" if encoding == "utf-8" else "?? (C1)") in out
    status, out, _ = printed("search", *asked, "--json")
    assert status == DONE
    assert json.loads(out)["recording"] == "北.mkv"  # scripts get the name itself
    status, _, err = printed("search", *changed(asked, "--district", "北.geojson"))
    assert status == REFUSED
    assert ("北.geojson" if encoding == "utf-8" else "?.geojson") in err


def test_search_keeps_to_top_threshold_time_and_place(
    run: Run, question: list[object], tmp_path: Path
) -> None:
    def files(*arguments: object) -> list[str]:
        return [line["recording"] for line in run("search", *arguments, "--json").lines]

    assert files(*question, "--threshold", "all") == ["maren.mkv", "later.mkv", "tobias.mkv"]
    assert files(*question, "--threshold", "all", "--top", "1") == ["maren.mkv"]
    assert files(*question, "--threshold", "20") == []
    # A number from before scores were normalised, which a quarter of strangers would reach.
    refused = run("search", *question, "--threshold", "0.47")
    assert refused.status == REFUSED
    assert "0.47 is lower than anything that was measured of scores of the scale" in refused.err
    assert "Take 2.5" in refused.err
    assert files(*changed(question, "--to", "2026-03-29T02:00:00+02:00")) == []
    assert files(*changed(question, "--to", "2026-03-29T02:00:01+02:00")) == ["maren.mkv"]
    only_c2 = tmp_path / "park.geojson"
    ring = [[-0.03, 51.485], [-0.015, 51.485], [-0.015, 51.495], [-0.03, 51.495], [-0.03, 51.485]]
    only_c2.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert files(*changed(question, "--district", only_c2)) == ["later.mkv"]


def test_search_for_people_says_what_a_score_is_worth(run: Run, question: list[object]) -> None:
    said = run("search", *question)
    assert "[red]Park (C2)" in said.out  # a name is text, not a colour
    assert re.search(
        r"2 candidates of at least the score 2\.56 on the scale normalised-\w{8} \(LFW",
        " ".join(said.err.split()),
    )
    assert "Expect about" in said.err
    assert "false candidates in this search" in said.err
    assert "among 3 tracklets of 2 of 2 cameras" in said.err
    assert "A match is a lead, never an identification." in said.err


def test_no_footage_is_not_told_as_nobody_seen(run: Run, question: list[object]) -> None:
    later = changed(question, "--from", "2026-04-01T00:00:00Z")
    said = run("search", *changed(later, "--to", "2026-04-02T00:00:00Z"))
    assert said.status == DONE
    assert "There is no footage in this scope. No footage does not mean not there." in said.err


def test_several_photographs_may_follow_one_option_or_repeat_it(
    run: Run, question: list[object], still: Path
) -> None:
    one = run("search", *question, "--json").lines
    assert run("search", *changed(question, "--probe", still, still), "--json").lines == one
    assert run("search", *question, "--probe", still, "--json").lines == one


def test_a_face_among_several_is_named_by_its_number(
    run: Run, question: list[object], still: Path, two_people: bytes, tmp_path: Path
) -> None:
    both = tmp_path / "both.jpg"
    both.write_bytes(two_people)
    said = run("search", *changed(question, "--probe", both))
    assert said.status == REFUSED
    assert "both.jpg: shows 2 faces: 1 (" in said.err
    assert "IMAGE#2" in said.err
    found = [
        [line["tracklet_id"] for line in run("search", *changed(question, *probe), "--json").lines]
        for probe in (
            ("--probe", f"{both}#1"),
            ("--probe", f"{both}#2"),
            ("--probe", both, "--largest-face"),
        )
    ]
    assert found[0] != found[1]
    assert found[2] == found[0]
    said = run("search", *changed(question, "--probe", f"{both}#3"))
    assert "has no face number 3, only 2" in said.err
    # A file whose own name ends so is meant by its name.
    named = tmp_path / "both.jpg#1"
    named.write_bytes(still.read_bytes())
    asked = run("search", *changed(question, "--probe", named), "--json").lines
    assert asked == run("search", *question, "--json").lines


def test_map_writes_one_file_that_needs_no_other(
    run: Run, question: list[object], training: str, tmp_path: Path
) -> None:
    page = tmp_path / "map.html"
    said = run("map", *question, "--output", page, "--json")
    assert said.status == DONE
    assert said.lines == [{"map": str(page), "candidates": 2, "notice": TRAINING_NOTICE}]
    html = page.read_text()
    assert "data:image/jpeg;base64," in html
    assert "<script src" not in html
    assert f"<title>{training}" in html
    assert "marked \\u201cnot same" not in html


def test_map_marks_what_an_analyst_took_for_somebody_else(
    run: Run, question: list[object], gallery: Path, training: str, installation: Installation,
    tmp_path: Path,
) -> None:  # fmt: skip
    best = run("search", *question, "--json").lines[0]["tracklet_id"]
    with Gallery.open(gallery) as opened:
        found = tracklets_by_id(opened, {best: 0.0})
    sort_out(installation.register, training, found[best], "different")
    page = tmp_path / "map.html"
    run("map", *question, "--output", page)
    take_back(installation.register, training)
    assert "1 candidate was marked \\u201cnot same\\u201d: grey" in page.read_text()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--from", "2026-03-29T00:00:00", "--from: the time 2026-03-29T00:00:00 has no offset"),
        ("--from", "soon", "--from: 'soon' is not an ISO 8601 time"),
        ("--to", "2026-03-28T00:00:00Z", "is not after the start"),
        ("--probe", "gone.jpg", "gone.jpg: cannot be read"),
        ("--gallery", "gone.duckdb", "gone.duckdb: there is no gallery here"),
        ("--district", "gone.geojson", "gone.geojson: cannot be read"),
    ],
)
def test_a_question_that_cannot_be_put_is_refused(
    run: Run, question: list[object], option: str, value: str, said: str
) -> None:
    answer = run("search", *changed(question, option, value), "--json")
    assert answer.status == REFUSED
    assert answer.out == ""
    assert said in answer.err


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        ([[0, 51], [1, 52], [1, 51], [0, 52], [0, 51]], "is not a simple area"),
        ([], "holds no polygon|cannot be read"),
        ([[10, 10], [11, 10], [11, 11], [10, 10]], "holds no camera of this gallery"),
        ([[0, 51], [1, 51], [0, 51], [0, 51]], "is not a simple area|has no area"),
    ],
)
def test_a_district_without_an_area_is_refused(
    run: Run, question: list[object], tmp_path: Path, ring: list[list[int]], said: str
) -> None:
    import re

    path = tmp_path / "odd.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring] if ring else []}))
    answer = run("search", *changed(question, "--district", path))
    assert answer.status == REFUSED
    assert re.search(said, answer.err)


def test_a_gallery_of_another_profile_is_refused(run: Run, footage: Path, tmp_path: Path) -> None:
    other = make_profile("yunet-dlib", (("another.onnx", "0" * 64),))
    Gallery.create(tmp_path / "other.duckdb", other).close()
    answer = run("index", footage, "--gallery", tmp_path / "other.duckdb", "--profile", "dlib")
    assert answer.status == REFUSED
    assert "was made with profile yunet-dlib" in answer.err


def test_a_gallery_that_another_process_writes_can_be_searched_but_not_written(
    run: Run, question: list[object], gallery: Path, footage: Path
) -> None:
    code = (
        "import sys; from workbench.gallery import Gallery\n"
        f"with Gallery.open({str(gallery)!r}, write=True):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        searched = run("search", *question, "--json")
        written = run("index", footage, "--gallery", gallery)
        other.communicate("")
    assert searched.status == DONE
    assert searched.lines
    assert written.status == REFUSED
    assert "is in use by another process" in written.err


def test_models_list_shows_licence_size_checksum_and_source(run: Run) -> None:
    said = run("models", "list", "--json")
    rows = {row["file"]: row for row in said.lines}
    dlib = rows["dlib_face_recognition_resnet_model_v1.dat"]
    assert dlib["state"] == "embedded"
    assert dlib["licence"] == "CC0-1.0"
    assert dlib["size"] == 22_466_066
    assert dlib["sha256"][0].startswith("55533b28")
    assert dlib["source"].startswith("https://dlib.net/")
    assert rows["arcface_weights.onnx"]["state"] == "missing"
    # It comes with the package of the embedded weights, which says CC0 of all its files.
    unused = rows["shape_predictor_68_face_landmarks.dat"]
    assert (unused["state"], unused["commercial"]) == ("never used", False)
    assert "iBUG 300-W" in unused["licence"]
    listed = run("models", "list").out
    assert "ArcFace" in listed
    assert max(map(len, listed.splitlines())) <= 100
    shown = run("models", "show", "arcface").out
    assert "arcface_weights.onnx" in shown
    assert "https://" in shown
    assert run("models", "show", "nothing").status == REFUSED


def test_doctor_finds_a_sound_installation_sound(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path))  # other tests do much in theirs
    said = run("doctor", "--json")
    assert said.status == DONE, said.out
    assert {finding["what"] for finding in said.lines} >= {"settings", "model profile dlib"}
    assert all(finding["ok"] for finding in said.lines)


def test_the_command_is_installed() -> None:
    command = Path(sys.executable).with_name("sightline")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == "sightline 0.1.0\n"


def test_pages_may_fetch_from_the_tile_server_of_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings file counts as the environment does: its pages are drawn with these tiles."""
    given: dict[str, object] = {}
    monkeypatch.setattr(application, "serve", lambda **options: given.update(options))
    monkeypatch.chdir(tmp_path)
    tiles = "https://tiles.example/{z}/{x}/{y}.png"
    (tmp_path / "sightline.env").write_text(f"SIGHTLINE_TILES={tiles}\n")
    assert main(["serve", "--gallery", "town.duckdb"]) == 0
    assert given["tiles"] == tiles


def test_what_a_library_makes_of_ctrl_c_is_told_as_ctrl_c(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a module in C that is interrupted while it is loaded."""

    def load(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr(application, "serve", load)
    said = run("serve", "--gallery", "town.duckdb")
    assert (said.status, said.err.count("\n")) == (REFUSED, 1)
    assert "Stopped. Finished work is kept" in said.err
