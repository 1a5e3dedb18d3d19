"""The container: its files against each other and against what is promised of them.

Nothing is built here: no builder of images is among the programs of the tests.
"""

from __future__ import annotations

import re
import runpy
import shlex
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.cli.main import build_parser
from workbench.settings import Settings

REPOSITORY = Path(__file__).parents[1]
PROXY_ACCOUNT = "33"  # www-data of Debian, in both images


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    return made


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """Instructions of the Containerfile, continued lines as one, without comments."""
    lines = (REPOSITORY / "Containerfile").read_text().splitlines()
    kept = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    found = [line.split(maxsplit=1) for line in kept.replace("\\\n", " ").splitlines() if line]
    return [(name, rest) for name, rest in found]


def last_stage(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return steps[max(n for n, (name, _) in enumerate(steps) if name == "FROM") :]


def host_paths(service: dict[str, Any]) -> list[str]:
    """What a service mounts from the machine, with the defaults of variables."""
    mounted = [volume.split(":/")[0] for volume in service.get("volumes", ())]
    plain = [re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", path) for path in mounted]
    return [path for path in plain if path.startswith(".")]


def test_each_service_is_unprivileged_on_a_root_that_it_cannot_write(
    compose: dict[str, Any],
) -> None:
    assert set(compose["services"]) == {"server", "proxy", "postgres"}
    for name, service in compose["services"].items():
        user, group = service["user"].split(":")
        assert int(user) > 0, name
        assert int(group) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "network_mode", "pid", "ipc", "userns_mode"} & set(service), name
        assert service["healthcheck"]["test"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert any(line.startswith("/tmp:") for line in service["tmpfs"]), name


def test_nothing_but_the_proxy_is_published_and_the_server_has_no_way_out(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert not any("expose" in service for service in services.values())
    assert services["server"]["networks"] == services["postgres"]["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True
    assert "inside" not in services["proxy"]["networks"]  # it reaches the socket, and no database
    assert services["postgres"]["profiles"] == ["postgres"]
    assert not any("profiles" in services[name] for name in ("server", "proxy"))
    # The folder of the proxy holds no password of the database.
    (secret,) = (one["file"] for one in compose["secrets"].values())
    assert "/proxy" not in secret
    assert "PASSWORD" not in "".join(services["server"]["environment"])


def test_what_services_name_is_there(compose: dict[str, Any]) -> None:
    ours = {"./footage", "./secrets/proxy"}  # of the administrator
    for service in compose["services"].values():
        for path in set(host_paths(service)) - ours:
            assert (REPOSITORY / path).is_file(), path
        named = {volume.split(":")[0] for volume in service["volumes"]}
        assert {name for name in named if re.fullmatch(r"\w+", name)} <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert set(service.get("depends_on", ())) <= set(compose["services"])
    build = compose["services"]["server"]["build"]
    assert (REPOSITORY / build["dockerfile"]).is_file()


def test_server_proxy_and_health_check_mean_the_same_socket(
    compose: dict[str, Any], steps: list[tuple[str, str]]
) -> None:
    server, proxy = compose["services"]["server"], compose["services"]["proxy"]
    words = [re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", word) for word in server["command"]]
    options = build_parser().parse_args(words)
    site = (REPOSITORY / "deploy/nginx.conf").read_text()
    assert f"server unix:{options.socket};" in site
    assert f"server_name {options.address.split('/')[2]};" in site
    health = runpy.run_path(str(REPOSITORY / "deploy/container/health.py"))
    assert health["SOCKET"] == options.socket
    for service in (server, proxy):
        assert any(v.startswith(f"sockets:{options.socket.parent}") for v in service["volumes"])
    assert (options.proxy_account, options.socket_group) == ("www-data", "www-data")
    assert proxy["user"] == f"{PROXY_ACCOUNT}:{PROXY_ACCOUNT}"
    assert server["group_add"] == [PROXY_ACCOUNT]
    user = dict(last_stage(steps))["USER"]
    assert server["user"] == user
    uid, gid = user.split(":")
    assert f"uid={uid},gid={gid}" in compose["volumes"]["sockets"]["driver_opts"]["o"]
    fields = {f"SIGHTLINE_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in server["environment"] if name.startswith("SIGHTLINE")} <= fields


def test_the_image_runs_as_the_service_account_on_pinned_ground(
    steps: list[tuple[str, str]],
) -> None:
    bases = [rest.split()[0] for name, rest in steps if name == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1  # what is compiled against one runs on the other
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-\w+", bases[0])
    final = last_stage(steps)
    names = [name for name, _ in final]
    assert names.index("USER") > max(n for n, name in enumerate(names) if name in ("RUN", "COPY"))
    assert "HEALTHCHECK" in names
    assert dict(final)["ENTRYPOINT"] == '["sightline"]'
    assert not [name for name, _ in steps if name in ("ADD", "ARG")]
    runs = " ".join(rest for name, rest in steps if name == "RUN")
    # Each thing that comes from an index is at a version of a lock.
    for install in re.findall(r"pip install [^&]+", runs):
        assert re.search(r"--require-hashes|--no-deps /wheel", install)


def test_what_the_image_copies_is_there_and_let_through(steps: list[tuple[str, str]]) -> None:
    first, *allowed = [
        line
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    let_through = {line[1:] for line in allowed if line.startswith("!")}
    for path in let_through:
        assert (REPOSITORY / path).exists(), path
    for name, rest in steps:
        if name == "COPY" and not rest.startswith("--from"):
            for source in shlex.split(rest)[:-1]:
                assert source == "." or any(
                    source == path or source.startswith(f"{path}/") for path in let_through
                ), source
    project = (REPOSITORY / "pyproject.toml").read_text()
    for source in re.findall(r'^"([\w./]+)" = "(?:workbench|share)/', project, re.MULTILINE):
        assert any(source == path or source.startswith(f"{path}/") for path in let_through), source


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"200 OK", 0), (b"503 Service Unavailable", 1), (None, 1)],
)
def test_the_health_check_passes_for_a_server_that_is_well_alone(
    tmp_path: Path, answer: bytes | None, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(REPOSITORY / "deploy/container/health.py"))["main"]
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with listening.accept()[0] as connection:
                assert connection.recv(4096).startswith(b"GET /health ")
                if answer is not None:
                    connection.sendall(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 2\r\n\r\n{}")

        serving = threading.Thread(target=serve)
        serving.start()
        assert main(path, 0) == status
        serving.join()
    assert capsys.readouterr().out.startswith(answer[:3].decode() if answer else "no answer")
