"""Galleries of another account of the machine: each door says whose they are, in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.gallery.opening import folder_of

NOBODY = 65534
AREA = (
    '{"type": "Polygon", "coordinates": '
    "[[[-0.02, 51.47], [0, 51.47], [0, 51.49], [-0.02, 51.49], [-0.02, 51.47]]]}"
)
DOORS = """
import contextlib, io, os, sys
from pathlib import Path
import workbench as sl
from workbench.cli.main import main
from workbench.errors import SightlineError
from workbench.gallery import Gallery

def knock(town):
    asked = ["--probe", "catalogue/a.mp4", "--district", "area.geojson",
             "--from", "2026-03-29T00:00:00Z", "--to", "2026-03-29T01:00:00Z"]
    for command in (
        ["search", "--case", "T-1", "--gallery", town, *asked],
        ["gallery", "info", town],
        ["index", "catalogue", "--gallery", town, "--dry-run"],
        ["index", "catalogue", "--gallery", town],
        ["serve", "--gallery", town],
    ):
        if command[0] == "serve" and os.access(town, os.R_OK):
            continue  # it opens no gallery: its pages do
        with contextlib.redirect_stderr(sys.stdout):
            assert main(command) == 2
    for opened in (Gallery, sl.Gallery):
        for write in (False, True):
            try:
                opened.open(town, write=write).close()
            except SightlineError as error:
                print(error)

home, account, *towns = sys.argv[1:]
# The other account may not be able to read this interpreter: what is used is loaded before.
with contextlib.redirect_stdout(io.StringIO()):
    knock("no gallery.duckdb")
    with contextlib.suppress(SightlineError):
        main(["serve", "--gallery", "none.duckdb"])
os.environ["SIGHTLINE_HOME"] = os.environ["HOME"] = home
os.setgroups([])
os.setresgid(*3 * (int(account),))
os.setresuid(*3 * (int(account),))
for town in towns:
    knock(town)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every account may look into, in which NOBODY has a home."""
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o755)
        home = shared / "home"
        (home / "catalogue").mkdir(parents=True)
        (home / "catalogue" / "cameras.csv").write_text(
            "camera_id,name,latitude,longitude\nC1,Gate,51.48,-0.01\n"
        )
        (home / "catalogue" / "footage.csv").write_text(
            "file,camera_id,started_at\na.mp4,C1,2026-03-29T00:00:00Z\n"
        )
        (home / "catalogue" / "a.mp4").write_bytes(b"film")
        (home / "area.geojson").write_text(AREA)
        (home / "no gallery.duckdb").write_bytes(b"none")
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield shared


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another account")
def test_another_account_is_told_whose_the_gallery_is(
    shared: Path, stored: Path, copied: Callable[[Path, Path], Path]
) -> None:
    """Neither a traceback nor the advice to restore or index again what is in order."""
    towns = []
    for private, around, named, inside, opened in (
        ("all of it", 0o700, 0o600, 0o700, ()),
        ("as it is made", 0o755, 0o600, 0o700, ()),
        ("but for the named file", 0o755, 0o644, 0o700, ()),
        ("but for the folder", 0o755, 0o644, 0o755, ()),
        ("the manifest", 0o755, 0o644, 0o755, ("gallery.json",)),
    ):
        (shared / private).mkdir()
        towns.append(copied(stored, shared / private))
        folder_of(towns[-1]).chmod(inside)
        for name in opened:
            (folder_of(towns[-1]) / name).chmod(0o644)
        towns[-1].chmod(named)
        towns[-1].parent.chmod(around)
    asked = subprocess.run(
        [sys.executable, "-c", DOORS, str(shared / "home"), str(NOBODY), *map(str, towns)],
        cwd=shared / "home",
        env={"SIGHTLINE_HOME": str(shared / "root"), "PATH": os.environ["PATH"],
             "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    said = asked.stdout.splitlines()
    expected = [
        town for town, doors in zip(towns, (9, 9, 8, 8, 8), strict=True) for _ in range(doors)
    ]
    assert len(said) == len(expected), asked.stdout
    for sentence, town in zip(said, expected, strict=True):
        assert sentence.startswith(str(town))
        assert sentence.endswith(
            ": belongs to root alone. Work on the pages of its server, or run the command as root."
        )
