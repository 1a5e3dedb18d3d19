"""A Postgres of the tests' own, on a socket in a folder of its own; nothing of it stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ACCOUNT = "sightline"


def programs() -> Path | None:
    """Folder with Postgres' own programs; None where it is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian's
    return next((one for one in places if (one / "postgres").exists()), None)


@dataclass
class Postgres:
    """A server that runs, and can be killed and started again."""

    folder: Path
    programs: Path
    process: subprocess.Popen[bytes] | None = None

    def _do(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        # It does not run as root; such a machine has an account that owns nothing.
        nobody: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.programs / name, "-D", self.folder / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **({} if os.geteuid() else nobody),
            )

    def make(self) -> None:
        """Make its files."""
        if not os.geteuid():
            shutil.chown(self.folder, "nobody", "nogroup")
        (self.folder / "log").touch()
        made = self._do(
            "initdb", "-U", ACCOUNT, "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8"
        )
        assert made.wait(60) == 0, (self.folder / "log").read_text()

    def start(self, *options: str, port: int = 5432) -> None:
        """Start it, and wait until it answers."""
        usual = ("-k", f"{self.folder}", "-p", f"{port}", "-c", "listen_addresses=")
        self.process = self._do("postgres", *usual, "-c", "fsync=off", *options)
        until = time.monotonic() + 60
        ready = [
            self.programs / "pg_isready",
            "-q",
            "-h",
            self.folder,
            "-p",
            f"{port}",
            "-U",
            ACCOUNT,
        ]
        while subprocess.run(ready, check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends its connections in order, SIGQUIT leaves all as it is."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def address(self, schema: str = "public", account: str = ACCOUNT) -> str:
        """Address of a schema of its database."""
        options = quote(f"-c search_path={schema}")
        return (
            f"postgresql://{account}@/postgres?host={quote(str(self.folder), '')}&options={options}"
        )


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Give a server that runs."""
    found = programs()
    assert found is not None
    # A path of a socket may have 107 bytes, which a folder of pytest's takes already.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, found)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
