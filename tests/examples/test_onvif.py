"""The example of a hook, which pulls a case's footage by ONVIF Profile G, against a simulator."""

from __future__ import annotations

import json
import re
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import pytest
from documented import examples
from onvif import OnvifRecorder, Section, pictures
from shapely import box

from workbench.cli.main import main
from workbench.cli.output import DONE
from workbench.domain import District, Scope
from workbench.footage.catalog import read_catalogue
from workbench.footage.frames import RecordingReader
from workbench.indexing.hook import Hook, HookReport
from workbench.installation import Installation

PULL = Path(__file__).parents[2] / "examples/onvif/pull.py"
BEGAN = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
OLD_TOWN = District("Old Town", box(-0.02, 51.47, 0.0, 51.485))
SCOPE = Scope(OLD_TOWN, BEGAN - 10 * SECOND, BEGAN + 60 * SECOND)
# The second one is not in the Old Town.
CAMERAS = (
    "camera_id,name,latitude,longitude\n"
    "C1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\nC3,Bridge,51.475,-0.01\n"
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A catalogue with two cameras in the Old Town and one elsewhere, and no footage yet."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "cameras.csv").write_text(CAMERAS)
    return folder


Table = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """``table(recorder, …, password=…)``: the table of recorders; each has its own cameras."""

    def table(*recorders: OnvifRecorder, password: str = "open sesame", **more: float) -> Path:
        secret = tmp_path / "password"
        secret.write_text(f"{password}\n")
        secret.chmod(0o600)
        lines = [f"{name} = {value}" for name, value in more.items()]
        for recorder in recorders:
            lines += [
                "[[recorder]]",
                f'address = "{recorder.address}"',
                'user = "sightline"',
                'password_file = "password"',
                "[recorder.cameras]",
                *(f'C{token.removeprefix("REC-")} = "{token}"' for token in recorder.recordings),
            ]
        path = tmp_path / "recorders.toml"
        path.write_text("\n".join(lines))
        return path

    return table


Pull = Callable[..., HookReport]


@pytest.fixture
def pull(catalogue: Path) -> Pull:
    """``pull(table)``: call the example once; its log is in ``pull.log``."""

    def pull(path: Path, scope: Scope = SCOPE, log: list[str] | None = None) -> HookReport:
        hook = Hook([sys.executable, str(PULL), str(path)], seconds=60)
        lines: list[str] = [] if log is None else log
        return hook.run(catalogue, scope, case="A-1", log=lines.append, note=lambda _: None)

    return pull


def times(film: Path) -> list[float]:
    """Seconds of the pictures of a film, from its first; every one of them is decoded."""
    with RecordingReader(film) as reader:
        seconds = [frame.seconds for frame in reader.frames() if frame.image().any()]
        assert reader.problems == []
    return seconds


def test_a_case_is_opened_its_footage_pulled_and_its_subject_found(
    catalogue: Path, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    cuts: dict[str, Path], wanted: tuple[Path, ...], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The recorder's clock is 90 s ahead; another camera and other hours are not the case's."""
    # Not the installation that tests share: a second open case in it, and pages choose none.
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    register = Installation.open().register
    case = register.train("HOOK", SCOPE).reference
    maren, tobias = cuts["Maren Holt"], cuts["Tobias Reed"]
    recordings = {
        "REC-1": [
            Section(BEGAN - HOUR, tobias),
            Section(BEGAN, maren),
            Section(BEGAN + HOUR, tobias),
        ],
        "REC-2": [Section(BEGAN, tobias)],
    }
    gallery = tmp_path / "g.duckdb"
    with OnvifRecorder(recordings, ahead=90.0) as recorder:
        path = table(recorder)
        index = [
            "index", str(catalogue), "--gallery", str(gallery), "--workers", "1",
            "--case", case, "--hook", sys.executable, str(PULL), str(path),
        ]  # fmt: skip
        assert main(index) == DONE, capsys.readouterr().err
        said = capsys.readouterr()
        assert "1 recordings indexed" in said.out
        assert re.search(r"hook: http\S+: its clock is \+(89|90)\.\d+ s off", said.err)
    # Only the camera in the district and only the time of the case, by the recorder's clock.
    assert not [detail for _, detail in recorder.asked if "REC-2" in detail]
    ahead = timedelta(seconds=90)
    ranges = recorder.details("PLAY")
    assert ranges
    for text in ranges:
        start, end = (
            datetime.strptime(part, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
            for part in text.removeprefix("clock=").split("-")
        )
        assert start >= SCOPE.start + ahead - SECOND
        assert end <= SCOPE.end + ahead + SECOND

    (row,) = (catalogue / "footage.csv").read_text().splitlines()[1:]
    stated = datetime.fromisoformat(row.split(",")[2])
    assert abs(stated - (BEGAN + ahead)) < timedelta(milliseconds=2)
    district = tmp_path / "district.geojson"
    ring = [list(corner) for corner in OLD_TOWN.area.exterior.coords]
    district.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    question = [
        "search", "--case", case, "--gallery", str(gallery), "--probe", str(wanted[0]),
        "--district", str(district), "--from", SCOPE.start.isoformat(),
        "--to", SCOPE.end.isoformat(), "--json",
    ]  # fmt: skip
    capsys.readouterr()
    assert main(question) == DONE
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert found["camera_id"] == "C1"
    # She is there from the first picture on; clocks are compared to a fraction of a second.
    seen = datetime.fromisoformat(found["first_seen"])
    assert abs(seen - BEGAN) < SECOND
    entries = register.folder.joinpath("audit.log").read_text()
    assert '"footage.asked"' in entries
    assert '"footage.fetched"' in entries


def test_a_gap_parts_films_and_what_was_pulled_is_not_pulled_again(
    catalogue: Path, table: Table, pull: Pull, cuts: dict[str, Path]
) -> None:
    """The recorder does not say that a replay is over, which it need not."""
    film = cuts["Maren Holt"]
    sections = [Section(BEGAN, film), Section(BEGAN + 20 * SECOND, film)]
    scope = Scope(OLD_TOWN, BEGAN - HOUR, BEGAN + 22 * SECOND)  # ends before the second one does
    with OnvifRecorder({"REC-1": sections}, bye=False) as recorder:
        path = table(recorder, quiet_seconds=3)
        assert pull(path, scope).problems == ()
        asked = len(recorder.details("PLAY"))
        assert pull(path, scope).fetched == ()
        assert len(recorder.details("PLAY")) == asked
    first, second = read_catalogue(catalogue).recordings
    assert (first.started_at, second.started_at) == (BEGAN, BEGAN + 20 * SECOND)
    whole = times(film)
    assert times(first.path) == pytest.approx(whole, abs=0.001)
    assert times(second.path) == pytest.approx([at for at in whole if at < 2], abs=0.001)


def test_a_connection_that_is_lost_lists_nothing_that_is_not_whole(
    catalogue: Path, table: Table, pull: Pull, cuts: dict[str, Path]
) -> None:
    film = cuts["Maren Holt"]
    with OnvifRecorder({"REC-1": [Section(BEGAN, film)]}, lose_after=30) as recorder:
        report = pull(table(recorder))
        assert "the connection was lost" in report.failure
        assert report.fetched == ()
        assert read_catalogue(catalogue).recordings == ()
        assert list(catalogue.rglob("*.mkv*")) == []
        assert pull(table(recorder)).failure == ""
    (recording,) = read_catalogue(catalogue).recordings
    assert len(times(recording.path)) == len(times(film))


def test_a_recorder_that_cannot_be_used_is_named_and_the_others_are_asked(
    catalogue: Path, table: Table, pull: Pull, cuts: dict[str, Path]
) -> None:
    there = [Section(BEGAN, cuts["Maren Holt"])]
    log: list[str] = []
    with (
        OnvifRecorder({"REC-1": there}, password="another") as locked,
        OnvifRecorder({"REC-3": there}, extension=False) as timeless,
        OnvifRecorder({"REC-4": there}, ahead=-7200.0) as wrong,
        OnvifRecorder({"REC-5": there}, http_digest=True) as sound,
    ):
        with (catalogue / "cameras.csv").open("a") as cameras:
            cameras.write("C4,Gate,51.475,-0.01\nC5,Yard,51.475,-0.01\n")
        report = pull(table(locked, timeless, wrong, sound), log=log)
    said = "\n".join(log)
    assert f"{locked.address}: the recorder refuses the user name or the password" in said
    assert f"{timeless.address}, C3: the recorder sends pictures without their times" in said
    assert f"{wrong.address}: its clock is -7200 s off" in said
    assert report.failure.startswith("ended with exit status 1")
    assert [film.recording.camera_id for film in report.fetched] == ["C5"]
    assert wrong.details("PLAY") == []


@pytest.mark.parametrize("fraction", [0.0, 0.45])  # what is latest is told in whole seconds
def test_what_is_still_being_recorded_is_pulled_in_films_without_a_seam(
    fraction: float, catalogue: Path, table: Table, pull: Pull, cuts: dict[str, Path]
) -> None:
    """Each film ends where the next can begin: no picture is missing, and none is there twice."""
    film = cuts["Maren Holt"]
    began = datetime.now(UTC).replace(microsecond=0) + (fraction - 12) * SECOND
    shown = [begun + at for begun in (0, 3) for at in times(film)]
    sections = [Section(began, film), Section(began + 3 * SECOND, film)]
    with OnvifRecorder({"REC-1": sections}, early=True) as recorder:
        path = table(recorder, film_seconds=1)
        scope = Scope(OLD_TOWN, began - HOUR, began + 4 * SECOND)

        def pulled() -> list[float]:
            assert pull(path, scope).problems == ()
            return [
                (recording.started_at - began).total_seconds() + seconds
                for recording in read_catalogue(catalogue).recordings
                for seconds in times(recording.path)
            ]

        recorder.recorded = began + 2.6 * SECOND
        first = pulled()
        assert 0 < first[-1] < 2.6  # what may not be whole is left for later
        assert first == pytest.approx(shown[: len(first)], abs=0.002)
        recorder.recorded = None
        assert pulled() == pytest.approx([at for at in shown if at < 4], abs=0.002)


def test_pictures_in_another_order_than_they_are_shown_keep_their_times(
    catalogue: Path, table: Table, pull: Pull, tmp_path: Path, cuts: dict[str, Path]
) -> None:
    films = {}
    for token, codec, options in (
        ("REC-1", "libx264", {"bf": "2", "g": "12", "preset": "veryfast"}),
        ("REC-3", "libx265", {"x265-params": "log-level=none:bframes=2:keyint=12"}),
    ):
        films[token] = tmp_path / f"{codec}.mkv"
        with av.open(str(cuts["Maren Holt"])) as old, av.open(str(films[token]), "w") as new:
            source = old.streams.video[0]
            stream = new.add_stream(codec, rate=12, options=options)
            stream.width, stream.height = source.width, source.height
            stream.time_base = stream.codec_context.time_base = Fraction(1, 12_000)
            for frame in old.decode(source):
                frame.pict_type = av.video.frame.PictureType.NONE  # as the encoder likes it
                new.mux(stream.encode(frame))
            new.mux(stream.encode())
        shown = [picture.seconds for picture in pictures(films[token])[1]]
        assert shown != sorted(shown)
    with OnvifRecorder({token: [Section(BEGAN, film)] for token, film in films.items()}) as one:
        assert pull(table(one)).problems == ()
    recordings = read_catalogue(catalogue).recordings
    assert [recording.camera_id for recording in recordings] == ["C1", "C3"]
    for recording, film in zip(recordings, films.values(), strict=True):
        assert abs(recording.started_at - BEGAN) < timedelta(milliseconds=200)
        assert times(recording.path) == pytest.approx(times(film), abs=0.002)


def test_a_password_that_others_can_read_is_refused(
    catalogue: Path, table: Table, pull: Pull, tmp_path: Path
) -> None:
    with OnvifRecorder({"REC-1": []}) as recorder:
        path = table(recorder)
        (tmp_path / "password").chmod(0o644)
        report = pull(path)
        assert recorder.asked == []
    assert "others can read this password; run chmod 600" in report.failure


def test_the_table_that_the_document_shows_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(PULL.parent))
    from pull import read_table

    (written,) = examples("examples/onvif/README.md", "toml")
    (path := tmp_path / "recorders.toml").write_text(written, "utf-8")
    (tmp_path / "town-hall.password").touch(mode=0o600)
    (tmp_path / "town-hall.password").write_text("open sesame\n")
    authorities = ssl.get_default_verify_paths().cafile
    assert authorities is not None
    (tmp_path / "town-hall.pem").symlink_to(authorities)
    table = read_table(path)
    assert (table.piece, table.quiet) == (timedelta(minutes=10), 10)
    (entry,) = table.recorders
    assert (entry.name, entry.password) == ("Town hall", "open sesame")
    assert entry.tokens == {"C1": "OnvifRecording_1", "C2": "OnvifRecording_2"}


@pytest.mark.parametrize("address", ["http://[::1", "http://a:99999/b", "file:///etc/passwd", "a"])
def test_an_address_that_is_none_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.syspath_prepend(str(PULL.parent))
    from soap import Recorder, RecorderError, _moment

    recorder = Recorder("http://192.0.2.1/onvif", "a", "b", ssl.create_default_context())
    with pytest.raises(RecorderError, match="an address that is none"):
        recorder._here(address, ("http", "https"))
    assert recorder._here("http://10.0.0.1:81/x", ("http",)) == "http://192.0.2.1:81/x"
    with pytest.raises(RecorderError, match="is not a time"):
        _moment("0001-01-01T00:00:00+14:00")
