"""The API's process, as its server starts it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from looping import run_apart
from office import Office

from workbench.server.api.process import ApiProcess

PRINTS = """
import pathlib, sys, threading, time

def write():
    while "workbench.server.api.application" not in sys.modules:
        time.sleep(0.05)
    for _ in range(1000):
        print("a library says something" * 40)
    pathlib.Path({!r}).touch()

if "workbench.server.api" in sys.orig_argv:
    threading.Thread(target=write, daemon=True).start()
"""


def test_a_library_that_prints_much_does_not_stop_the_api(
    office: Office, town: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "printed"
    (tmp_path / "sitecustomize.py").write_text(PRINTS.format(str(whole)))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}

    async def ask() -> None:
        process = ApiProcess(tmp_path, gallery=town, environment=environment)
        try:
            stream = await process.connect()
            stream.close()
            until = time.monotonic() + 60
            while not whole.exists():
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        finally:
            await process.stop()

    run_apart(ask())
