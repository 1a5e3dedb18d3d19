"""The demo as it is started: its pages and JupyterLab, each at an address that can be opened."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import psutil
import pytest

from workbench.dashboards import packaged_notebooks
from workbench.demo.home import demo_installation
from workbench.installation import Installation

ADDRESS = re.compile(r"^  (http://127\.0\.0\.1:\d+/)(\S*)\?token=(\S+)$", re.MULTILINE)


def test_pages_and_jupyterlab_are_opened_at_the_addresses_printed_and_end_together(
    demo: Path, installation: Installation, copied: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    settings = installation.settings.model_copy(update={"home": tmp_path / "home"})
    copied(demo, demo_installation(Installation(settings)).settings.home)
    log, browser = tmp_path / "log", tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
    browser.chmod(0o700)
    environment = {
        "SIGHTLINE_HOME": str(settings.home), "BROWSER": str(browser), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with log.open("w") as said:
        program = subprocess.Popen(
            [sys.executable, "-m", "workbench", "demo"],
            stdout=said, stderr=said, cwd=tmp_path, env=os.environ | environment,
        )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while len(found := ADDRESS.findall(log.read_text())) < 2:
            assert program.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        (pages, _, token), (lab, path, key) = found
        assert path == "lab"
        assert pages != lab
        opener = build_opener(HTTPCookieProcessor(CookieJar()))
        front = opener.open(f"{pages}?token={token}").read().decode()
        assert "The demo from its beginning to its end" in front
        assert "JupyterLab" in urlopen(f"{lab}lab?token={key}").read().decode()
        listed = json.load(urlopen(f"{lab}api/contents?token={key}"))["content"]
        notebooks = {file.name for file in packaged_notebooks().glob("*.ipynb")}
        assert {one["name"] for one in listed} >= notebooks
        below = psutil.Process(program.pid).children(recursive=True)
        assert any("lab" in one.cmdline() for one in below)
    finally:
        program.send_signal(signal.SIGTERM)
        assert program.wait(240) == 0, log.read_text()
    assert not psutil.wait_procs(below, 240)[1]
    with pytest.raises(URLError):
        urlopen(lab)
    assert not (tmp_path / "opened").exists()
