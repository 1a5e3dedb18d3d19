"""What ``sightline doctor`` finds in the unit, its secrets and nginx: the files of deploy/."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deployed import DEPLOY, make_certificate

from workbench.doctor import serving
from workbench.doctor.nginx import parse_nginx
from workbench.errors import SightlineError

NGINX = "etc/nginx/conf.d/sightline.conf"
HUB_COMMAND = (
    "ExecStart=/opt/sightline/bin/sightline serve --sign-in hub --hub-without-servers \\\n"
    "    --address https://sightline.example.org/ --hub-api http://127.0.0.1:9/hub/api \\\n"
    "    --hub-token=/etc/sightline/hub-token\n"
)


class Machine:
    """A machine with the files of deploy/, below a folder."""

    def __init__(self, root: Path, office: Any) -> None:
        self.root, self._office = root, office
        account = pwd.getpwuid(os.getuid()).pw_name
        unit = (DEPLOY / "sightline.service").read_text()
        unit = unit.replace("User=sightline", f"User={account}")
        self.write(f"{serving.UNITS}/sightline.service", unit.replace(
            "SIGHTLINE_HOME=/var/lib/sightline", f"SIGHTLINE_HOME={office.home}"
        ))  # fmt: skip
        self.write(NGINX, (DEPLOY / "nginx.conf").read_text())
        (tls := root / "etc/sightline/tls").mkdir(parents=True)
        make_certificate(tls, days=60)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def change(self, name: str, before: str, after: str) -> None:
        text = (self.root / name).read_text()
        assert before in text
        self.write(name, text.replace(before, after))

    def looks(self) -> dict[str, Callable[[], str]]:
        settings = self._office.installation.settings
        return serving.looks(settings, self._office.folder, root=self.root)


@pytest.fixture
def machine(office: Any, tmp_path: Path) -> Machine:
    _ = office.register.me
    return Machine(tmp_path / "machine", office)


def test_the_files_of_deploy_are_in_order(machine: Machine) -> None:
    found = {what: look() for what, look in machine.looks().items()}
    assert found["service unit"].endswith(f"runs as {pwd.getpwuid(os.getuid()).pw_name}")
    assert found["secrets of the service"] == "none in files"
    said = re.search(
        r"sightline\.conf, certificate valid until (\d{4}-\d\d-\d\d)", found["TLS and proxy"]
    )
    assert said is not None
    # It may have been made yesterday.
    assert (date.fromisoformat(said[1]) - datetime.now(UTC).date()).days in (59, 60)


def test_a_unit_of_another_installation_is_not_looked_at(machine: Machine) -> None:
    machine.change(f"{serving.UNITS}/sightline.service", "SIGHTLINE_HOME=", "SIGHTLINE_HOME=/other")
    assert machine.looks()["service unit"]().startswith("none of this installation")


@pytest.mark.parametrize(
    ("name", "before", "after", "what", "said"),
    [
        ("unit", "OOMPolicy=continue", "", "service unit", "no OOMPolicy=continue"),
        ("unit", "User=", "User=no-", "service unit", "runs as no-"),
        ("unit", "address https:", "address http:", "TLS and proxy", "is not https"),
        ("nginx", "proxy_set_header X-Remote-User", "# ", "TLS and proxy", "use another's name"),
        # A block that sets one header has none of those around it.
        ("nginx", "location / {", "location / {\nproxy_set_header Host $host;", "TLS and proxy",
         "location /: passes on X-Remote-User as a browser sends it"),
        ("nginx", "proxy_set_header X-Forwarded-For", "# ", "TLS and proxy", "health and metrics"),
        ("nginx", "tls/certificate.pem", "tls/none.pem", "TLS and proxy", "none.pem: cannot be"),
    ],
)  # fmt: skip
def test_what_is_not_safe_is_named(
    machine: Machine, name: str, before: str, after: str, what: str, said: str
) -> None:
    file = NGINX if name == "nginx" else f"{serving.UNITS}/sightline.service"
    machine.change(file, before, after)
    with pytest.raises(SightlineError, match=re.escape(said)):
        machine.looks()[what]()


def test_a_certificate_that_ends_and_a_key_that_others_read_are_named(machine: Machine) -> None:
    tls = machine.root / "etc/sightline/tls"
    make_certificate(tls, days=10)
    with pytest.raises(SightlineError, match="is valid until"):
        machine.looks()["TLS and proxy"]()
    (tls / "key.pem").chmod(0o644)
    with pytest.raises(SightlineError, match=r"key\.pem: can be read by every account"):
        machine.looks()["TLS and proxy"]()


def test_the_hub_and_its_token_are_looked_at(machine: Machine) -> None:
    unit = f"{serving.UNITS}/sightline.service"
    text = (machine.root / unit).read_text()
    machine.write(unit, re.sub(r"ExecStart=(.*\\\n)*.*\n", lambda _: HUB_COMMAND, text))
    machine.change(NGINX, "proxy_set_header X-Remote-User", "# ")  # the hub names people
    assert "certificate valid until" in machine.looks()["TLS and proxy"]()
    with pytest.raises(SightlineError, match=r"hub-token: cannot be read.*openssl rand"):
        machine.looks()["secrets of the service"]()
    token = machine.write("etc/sightline/hub-token", "0123456789abcdef")
    assert machine.looks()["secrets of the service"]() == "/etc/sightline/hub-token (0600)"
    token.chmod(0o640)
    with pytest.raises(SightlineError, match=r"of the service account alone \(0640\)"):
        machine.looks()["secrets of the service"]()
    with pytest.raises(SightlineError, match="cannot be asked"):
        machine.looks()["JupyterHub"]()


def test_what_nginx_reads_is_read() -> None:
    text = "a 'b; {c}' \"d\"; # e {\nserver { listen 1; location ~ ^/x { proxy_pass http://y; } }"
    whole = parse_nginx(text)
    assert whole.said == [["a", "b; {c}", "d"]]
    (server,) = whole.blocks
    assert (server.words, server.values("listen")) == (["server"], [["1"]])
    assert list(server.passing()) == [("location ~ ^/x", frozenset())]
    assert parse_nginx("} server {").blocks[0].words == ["server"]
