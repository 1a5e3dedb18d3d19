"""Two servers of pages, for two people, reach one host that has gallery, cases and record."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from apiprocess import SCOPE
from deployed import PASSWORD, Team, free_ports, recorded, started, wait_for
from documented import examples
from office import stated
from playwright.sync_api import expect

from workbench.casework.record.audit import verify
from workbench.client import Connection, connect
from workbench.client.documents import scope_from

pytestmark = pytest.mark.browser
CASE = "A-2026-117"

# Before what the document shows, and after it: why a page under Voila holds none of the host's.
BEFORE = """
import workbench as sl
from workbench.client.documents import scope_from
scope = scope_from({scope!r})
"""
OF_THE_HOST = """
from workbench.errors import SightlineError
try:
    there.investigate()
except SightlineError as error:
    print(f"{there}: {error}")
"""


def connected(host: Team, name: str) -> Connection:
    return connect(host.address, user=name, password=PASSWORD, ca_file=certificate(host))


def certificate(host: Team) -> Path:
    return host.log.parent / "certificate.pem"


@contextmanager
def pages_of(name: str, host: Team, photograph: Path, folder: Path, jupyter: Path) -> Iterator[str]:
    """A Voila for one person, with a home of its own; the address of its page."""
    folder.mkdir(mode=0o700)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    (shown,) = examples("docs/scale.md", "python")
    here = f"{host.address!r}, user={name!r}, password_file={str(password)!r}"
    places = {
        '"https://faces.example/"': f"{here}, ca_file={str(certificate(host))!r}",
        '"target.jpg"': repr(str(photograph)),
    }
    for word, place in places.items():
        assert word in shown
        shown = shown.replace(word, place)
    v4 = nbformat.v4
    cells = [v4.new_code_cell(BEFORE.format(scope=SCOPE) + shown), v4.new_code_cell(OF_THE_HOST)]
    nbformat.write(v4.new_notebook(cells=cells), folder / "page.ipynb")
    (port,) = free_ports(1)
    command = [
        Path(sys.executable).with_name("voila"), "--no-browser", f"--port={port}",
        "--template=sightline", "--show_tracebacks=True", folder / "page.ipynb",
    ]  # fmt: skip
    about = {"SIGHTLINE_HOME": str(folder / "home"), "JUPYTER_PATH": str(jupyter)}
    log = folder / "log"
    with started(command, log=log, environment=about, folder=folder) as process:
        ready = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/")
        wait_for(lambda: bool(ready.search(log.read_text())), (process, log), where=name)
        yield f"http://127.0.0.1:{port}"


def faces_on(seen: Any) -> Any:
    """What stands below each face that a search by the API found."""
    return seen.page.get_by_text(re.compile(r"^\d\. score"))


def test_two_servers_of_pages_reach_one_host_each_in_the_name_of_its_person(
    served_by_nginx: Team,
    wanted: tuple[Path, ...],
    visit: Callable[..., Any],
    shared_data: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    host = served_by_nginx
    anna, sara = connected(host, "anna"), connected(host, "sara")
    anna.request_case(
        CASE, wanted, scope_from(SCOPE), template="missing-person", authority="Public prosecutor",
        authorisation="P 117/26", title="A child", provenance=stated(3),
    )  # fmt: skip
    sara.approve(CASE, digest=sara.case(CASE).digest)
    jupyter = shared_data(tmp_path) / "jupyter"
    with pages_of("cleo", host, wanted[0], tmp_path / "second", jupyter) as of_cleo:
        with pages_of("anna", host, wanted[0], tmp_path / "first", jupyter) as of_anna:
            # Cleo is no member of the case yet: her page says so, and shows no face.
            refused = visit(of_cleo)
            refused.page.goto(of_cleo)
            refused.page.get_by_text("not one of its members").first.wait_for()
            assert faces_on(refused).count() == 0
            refused.page.context.close()
            anna.add_member(CASE, "cleo")
            both = [visit(of_anna), visit(of_cleo)]
            for seen, address in zip(both, (of_anna, of_cleo), strict=True):
                seen.page.goto(address)
            for seen, name in zip(both, ("anna", "cleo"), strict=True):
                expect(faces_on(seen)).to_have_count(2)
                told = seen.page.get_by_text(f" as {name} (analyst)>: page: Voila draws no widgets")
                told.wait_for()
                seen.screenshot(f"several-servers-{name}")
                seen.assert_clean()
        # One of them is gone: the other goes on.
        seen = visit(of_cleo)
        seen.page.goto(of_cleo)
        expect(faces_on(seen)).to_have_count(2)
    # All is on one record, at the host; the servers of pages hold nothing.
    asked = [one for one in recorded(host.home) if one["what"] == "search.asked"]
    accounts = [one["by"]["account"] for one in asked]  # type: ignore[index]
    assert sorted(accounts) == ["anna", "cleo", "cleo"]
    assert verify(host.home / "casework").sound
    for name in ("first", "second"):
        left = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        assert {path.name for path in left} <= {"page.ipynb", "password", "log"}, left
        assert not any(b"/9j/" in path.read_bytes() for path in left)  # JPEG in base64
