"""Install the wheel as a stranger would, and use it: for each Python of this machine.

``make package-check``, which continuous integration runs with ``--own``, takes the wheel that
``make dist`` built.

For each Python from 3.11 on it fetches the packages of the lock as wheels (one that has none
fails here), makes an empty environment in a folder with spaces in its name, as an account without
rights where that is possible, installs the wheel there without an index, and runs it: ``doctor``,
``demo --check``, three pages in Chromium, and taking it away again. That takes a minute or two and
2 GB for each Python, all of it removed at the end, and an index of packages. Versions that this
machine lacks are named as skipped. Exit status 1 if anything failed, or nothing was checked. The
sdist is not installed: a test builds the same wheel from it, file by file.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import __version__

ROOT = Path(__file__).parents[1]
MINORS = range(11, 16)  # of Python 3
NAME = "sightline-workbench"
PAGES = {  # what is there when a page is
    "investigate": ".sl-drop-button",
    "footage": ".sl-table",
    "thresholds": ".sl-panel",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 600.0  # longest that one step may take
_ADDRESS = re.compile(r"http://\S+\?token=\S+")


class Failed(Exception):
    """A step that did not do what it should."""


@dataclass(frozen=True)
class Stranger:
    """An account that uses the package: none with rights, where we may choose."""

    name: str
    uid: int
    gid: int

    @classmethod
    def chosen(cls) -> Stranger:
        """Take *nobody* where this runs as root, else the account that runs it."""
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            return cls("nobody", nobody.pw_uid, nobody.pw_gid)
        own = pwd.getpwuid(os.getuid())
        return cls(own.pw_name, own.pw_uid, own.pw_gid)

    def options(self) -> dict[str, Any]:
        """Arguments of :class:`subprocess.Popen` that run a process as this account."""
        if os.getuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Place:
    """Folder with spaces in its name, where the stranger works."""

    folder: Path
    stranger: Stranger

    @property
    def bin(self) -> Path:
        """Folder of the environment's programs."""
        return self.folder / "an environment/bin"

    @property
    def copied(self) -> Path:
        """Folder for an interpreter that the stranger could not run where it is."""
        return self.folder / "python"

    def environment(self) -> dict[str, str]:
        """Environment of the stranger's processes: nothing of ours."""
        return {
            "HOME": str(self.folder),
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            # Of an interpreter that was copied here: it finds its library at no other place.
            "LD_LIBRARY_PATH": str(self.copied / "lib") if self.copied.is_dir() else "",
            "PIP_CONFIG_FILE": os.devnull,  # nor what this machine adds to an index
        }

    def run(self, *command: object) -> str:
        """Run a command as the stranger; return what it says, or raise Failed with that."""
        words = [str(word) for word in command]
        try:
            done = subprocess.run(  # noqa: S603
                words, cwd=self.folder, env=self.environment(), text=True, timeout=SECONDS,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                **self.stranger.options(),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{' '.join(words)}: nothing after {SECONDS:.0f} s") from error
        if done.returncode != 0:
            raise Failed(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout[-4000:]}")
        return done.stdout


def pythons() -> dict[str, Path]:
    """Find the interpreters of this machine by version; of several of one version, the first."""
    found: dict[str, Path] = {}
    versions = Path.home() / ".pyenv/versions"
    for minor in MINORS:
        name = f"python3.{minor}"
        likely = [Path(folder) / name for folder in ("/usr/bin", "/usr/local/bin")]
        likely += sorted(versions.glob(f"3.{minor}.*/bin/{name}"))
        likely += [Path(each) for each in filter(None, [shutil.which(name)])]
        for path in likely:
            if not path.exists():
                continue
            asked = [str(path), "-c", "import ensurepip, ssl, sys; print(sys.version.split()[0])"]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode == 0 and done.stdout.startswith(f"3.{minor}."):
                found.setdefault(f"3.{minor}", path)
    return found


def within_reach(python: Path, place: Place) -> Path:
    """Return an interpreter that the stranger can run: this one, or a copy of its whole folder."""
    with suppress(Failed, PermissionError):
        place.run(python, "-c", "import ssl")
        return python
    asked = [str(python), "-c", "import sys; print(sys.base_prefix)"]
    home = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    shutil.copytree(home, place.copied, symlinks=True)
    return place.copied / "bin" / python.name


def built(folder: Path) -> tuple[Path, Path]:
    """Find the wheel and the sdist of this version that ``make dist`` has put into *folder*.

    Raises Failed where one is not there.
    """
    stem = f"{NAME.replace('-', '_')}-{__version__}"
    wheel, sdist = folder / f"{stem}-py3-none-any.whl", folder / f"{stem}.tar.gz"
    for path in (wheel, sdist):
        if not path.is_file():
            raise Failed(f"{path} is not there: `make dist` builds it")
    return wheel, sdist


def fetch(python: Path, to: Path) -> int:
    """Fetch every package of the lock as a wheel for that Python; return their number.

    Raises Failed where one is there as source alone.
    """
    own = to / "with"  # its own pip, as an interpreter need not have one
    subprocess.run([str(python), "-m", "venv", str(own)], check=True)  # noqa: S603
    command = [
        str(own / "bin/python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--only-binary", ":all:", "--require-hashes", "--no-deps",
        "-r", str(ROOT / "requirements.lock"), "-d", str(to),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Failed(f"not every package could be fetched as a wheel:\n{done.stderr[-4000:]}")
    return len(list(to.glob("*.whl")))


@contextmanager
def serving(place: Place) -> Iterator[str]:
    """Serve the demo as the stranger does; the address of its pages. It must end when told to."""
    log = place.folder / "demo.log"
    with log.open("w") as words:
        server = subprocess.Popen(  # noqa: S603
            [str(place.bin / "sightline"), "demo"], cwd=place.folder, env=place.environment(),
            stdout=words, stderr=words, start_new_session=True, **place.stranger.options(),
        )  # fmt: skip
    try:
        until = time.monotonic() + SECONDS
        while not (said := _ADDRESS.search(log.read_text())):
            if server.poll() is not None or time.monotonic() > until:
                raise Failed(f"the demo is not served:\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        try:
            yield said[0]
        except Failed as error:
            raise Failed(f"{error}\nThe server says:\n{log.read_text()[-6000:]}") from error
        server.send_signal(signal.SIGINT)
        if (status := server.wait(60)) != 0:
            raise Failed(f"the server ended with {status}:\n{log.read_text()[-4000:]}")
    finally:
        with suppress(ProcessLookupError):  # ended by itself
            os.killpg(server.pid, signal.SIGKILL)


def visit(address: str, pictures: Path) -> None:
    """Open the pages in Chromium; raise Failed where one is not there, fails, or asks elsewhere."""
    from playwright.sync_api import Error, sync_playwright

    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        raise Failed(f"none of {', '.join(CHROMIUM)} is installed: no page was opened")
    base = address.partition("?")[0]
    ours = ("data:", "blob:", "about:", base, base.replace("http", "ws", 1))
    wrong: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1366, "height": 900})
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
        page.on(
            "response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None
        )
        page.on("request", lambda r: None if r.url.startswith(ours) else wrong.append(r.url))
        try:
            page.goto(address)
            for name, shown in PAGES.items():
                page.goto(f"{base}voila/render/{name}.ipynb")
                page.locator(shown).first.wait_for()
                page.screenshot(path=pictures / f"{name}.png")
        except Error as error:
            wrong.append(str(error))
        chromium.close()
    if wrong:
        raise Failed("pages: " + "\n".join(wrong))


def check(version: str, python: Path, wheel: Path, scratch: Path, pictures: Path) -> Iterator[str]:
    """Check one Python, yielding a line for each thing that was done; raise Failed at the first.

    *scratch* is a folder that the stranger can pass through; *pictures* gets those of the pages.
    """
    stranger = Stranger.chosen()
    place = Place(scratch / f"a place with spaces {version}", stranger)
    wheels = scratch / f"wheels-{version}"
    place.folder.mkdir()
    os.chown(place.folder, stranger.uid, stranger.gid)
    try:
        wheels.mkdir()
        yield f"{fetch(python, wheels)} packages, each as a wheel"
        place.run(within_reach(python, place), "-m", "venv", place.bin.parent)
        interpreter = place.bin / "python"
        # Python compiles what is used when it is used: a small part of what is installed.
        place.run(
            interpreter, "-m", "pip", "install", "--quiet", "--no-compile", "--no-index",
            "--find-links", wheels, wheel,
        )  # fmt: skip
        place.run(interpreter, "-m", "pip", "check")
        size = int(place.run("du", "-sm", place.bin.parent).split()[0])
        yield f"installed by {stranger.name} without an index: {size} MB"

        sightline = place.bin / "sightline"
        said = place.run(sightline, "--version").split()[-1]
        if f"-{said}-" not in wheel.name:
            raise Failed(f"{wheel.name} says that it is {said}")
        yield place.run(sightline, "doctor", "--json") and "doctor finds nothing wrong"
        rows = [
            json.loads(line)
            for line in place.run(sightline, "models", "list", "--json").splitlines()
        ]
        if "never used" not in {row["state"] for row in rows}:
            raise Failed("models list does not name the landmarks that are never used")
        place.run(sightline, "demo", "--check")
        yield "demo --check: the known answers"
        with serving(place) as address:
            visit(address, pictures)
        yield f"demo, indexed and served; pages in Chromium: {', '.join(PAGES)}"
        place.run(interpreter, "-m", "pip", "uninstall", "--quiet", "--yes", NAME)
        left = [
            path
            for pattern in (
                "lib/*/site-packages/workbench",
                "share/jupyter/*/sightline",
                "bin/sightline",
            )
            for path in place.bin.parent.glob(pattern)
        ]
        if left:
            raise Failed(f"pip uninstall leaves {', '.join(map(str, left))}")
        yield "taken away without a rest"
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
        shutil.rmtree(wheels, ignore_errors=True)


def main(given: Sequence[str] | None = None) -> int:
    """Check each Python, and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", metavar="3.N", help="check this version alone")
    parser.add_argument(
        "--own", action="store_true", help="check the version of this interpreter alone"
    )
    parser.add_argument(
        "--pictures", type=Path, default=ROOT / "test-artifacts", metavar="FOLDER",
        help="where pictures of the pages go",
    )  # fmt: skip
    parser.add_argument(
        "--dist", type=Path, default=ROOT / "dist", metavar="FOLDER",
        help="where the wheel and the sdist lie",
    )  # fmt: skip
    options = parser.parse_args(given)
    own = f"3.{sys.version_info.minor}"
    options.pictures.mkdir(parents=True, exist_ok=True)
    here, passed, failed = pythons(), False, False
    with tempfile.TemporaryDirectory(prefix="package-check-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # the stranger passes through it
        try:
            wheel, sdist = built(options.dist)
        except Failed as error:
            say(f"FAILED: {error}")
            return 1
        say(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, {sdist.name}: "
            f"{sdist.stat().st_size / 1e6:.1f} MB")  # fmt: skip
        wheel = Path(shutil.copy(wheel, scratch))
        wheel.chmod(0o644)
        for version in options.python or [f"3.{minor}" for minor in MINORS]:
            if options.own and version in here and version != own:
                say(f"Python {version}: LEFT OUT by --own, though it is on this machine")
                continue
            if version not in here:
                say(f"Python {version}: SKIPPED, it is not on this machine")
                failed |= bool(options.python)
                continue
            say(f"Python {version} ({here[version]}):")
            start = time.monotonic()
            try:
                for line in check(version, here[version], wheel, scratch, options.pictures):
                    say(f"  {time.monotonic() - start:4.0f} s  {line}")
                    start = time.monotonic()
                passed = True
            except Failed as error:
                say(f"  FAILED: {error}")
                failed = True
    if not passed and not failed:
        say("FAILED: no Python from 3.11 on, with ensurepip and ssl: nothing was checked")
    return int(failed or not passed)


def say(line: str) -> None:
    """Print a line at once, as the next may take a while."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
