"""A server goes on, whatever is sent to it and however many hold its connections and kernels."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from looping import run_apart
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.websocket import WebSocketClientConnection, websocket_connect

from workbench.server.kernels import CurrentInterpreter
from workbench.server.limits import LimitedServer, Limits, memory_allowed
from workbench.server.sockets import PROTOCOL, kind_of, parts_of

PATIENCE = 240  # seconds; on a busy machine everything takes long

ASKS = {
    "header": {
        "msg_id": "1", "msg_type": "kernel_info_request", "session": "s", "username": "",
        "version": "5.3", "date": "2026-03-31T12:00:00Z",
    },
    "parent_header": {}, "metadata": {}, "content": {},
}  # fmt: skip


def message(channel: str = "shell", **changes: Any) -> bytes:
    """A message of the protocol v1."""
    parts = [channel.encode(), *(json.dumps(part).encode() for part in (ASKS | changes).values())]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    table = [len(offsets), *offsets]
    return b"".join([*(number.to_bytes(8, "little") for number in table), *parts])


def test_a_message_is_read_only_where_its_table_lies_within_it() -> None:
    whole = message()
    assert parts_of(whole)[0] == b"shell"
    assert kind_of(whole) == "kernel_info_request"
    bad = [
        b"", b"\xff" * 8, b"\xff" * 4096, whole[:-1], whole + b"!", whole[:60],
        (2**61).to_bytes(8, "little") + whole[8:], (3).to_bytes(8, "little") + whole[8:],
        whole[:16] + whole[24:32] + whole[16:24] + whole[32:], message(header=[]),
        message(header={"msg_type": 7}),
        b'{"header": {"msg_type": "comm_msg"}, "channel": "shell"}',
    ]  # fmt: skip
    for each in bad:
        with pytest.raises(ValueError, match="its"):
            kind_of(each)


@pytest.fixture(scope="module")
def kernel(served: Any) -> str:
    """The kernel of a page."""
    return _open_page(served)


@pytest.mark.slow
def test_a_socket_that_speaks_another_protocol_is_told_so_and_stops_nobody(
    served: Any, kernel: str
) -> None:
    async def speak(protocols: list[str] | None, *sent: bytes | str) -> tuple[int | None, str]:
        line = await _connect(served, kernel, protocols)
        for each in sent:
            await line.write_message(each, binary=isinstance(each, bytes))
        while await asyncio.wait_for(line.read_message(), PATIENCE) is not None:
            pass
        return line.close_code, str(line.close_reason)

    # The format that Jupyter used before: what the kernel answers in it, Voila cannot read.
    states = {
        **ASKS, "channel": "shell", "header": ASKS["header"] | {"msg_type": "comm_open"},
        "content": {"comm_id": "c", "target_name": "jupyter.widget.control", "data": {}},
    }  # fmt: skip
    for protocols in (None, ["v0.kernel.websocket.jupyter.org"]):
        code, reason = run_apart(speak(protocols, json.dumps(states)))
        assert (code, PROTOCOL in reason) == (4400, True)
    for sent in (b"\xff" * 8, b"\xff" * 4096, b"", "{}", message(header=[])):
        code, reason = run_apart(speak([PROTOCOL], sent))
        assert (code, reason.split(":")[0]) == (4400, f"This is not a message of {PROTOCOL}")

    async def asks() -> str:
        line = await _connect(served, kernel, [PROTOCOL])
        await line.write_message(message(), binary=True)
        while True:
            answer = await asyncio.wait_for(line.read_message(), PATIENCE)
            if isinstance(answer, bytes) and kind_of(answer) == "kernel_info_reply":
                return "answered"

    assert run_apart(asks()) == "answered"
    assert "Uncaught" not in served.log.read_text()
    assert psutil.Process(served.process.pid).memory_info().rss < 600 * 2**20

    another = _open_page(served)

    async def many() -> list[int | None]:
        lines = [await _connect(served, another, [PROTOCOL]) for _ in range(4)]
        while await asyncio.wait_for(lines[-1].read_message(), PATIENCE) is not None:
            pass
        return [line.close_code for line in lines]

    assert run_apart(many()) == [None, None, None, 4429]


@pytest.mark.slow
def test_code_that_a_person_sends_to_a_kernel_is_not_run(
    served: Any, kernel: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    code = {
        "code": f"open({str(made)!r}, 'w').close()", "silent": False, "store_history": False,
        "user_expressions": {}, "allow_stdin": False, "stop_on_error": False,
    }  # fmt: skip

    async def answers() -> list[str]:
        line = await _connect(served, kernel, [PROTOCOL])
        for channel in ("shell", "control"):
            for kind, content in (
                ("execute_request", code),
                ("inspect_request", {"code": "open", "cursor_pos": 4, "detail_level": 1}),
                ("debug_request", {"type": "request", "seq": 1, "command": "initialize"}),
                ("kernel_info_request", {}),
            ):
                header = ASKS["header"] | {"msg_id": f"{channel} {kind}", "msg_type": kind}
                await line.write_message(message(channel, header=header, content=content), True)
        kinds: list[str] = []
        while kinds.count("kernel_info_reply") < 2:  # each channel answers in order
            answer = await asyncio.wait_for(line.read_message(), PATIENCE)
            assert isinstance(answer, bytes), line.close_reason
            kinds.append(kind_of(answer))
        return kinds

    assert set(run_apart(answers())) <= {"kernel_info_reply", "status"}
    assert not made.exists()


@pytest.fixture(scope="module")
def small(start_server: Callable[..., Any]) -> Iterator[Any]:
    server = start_server(files=256, kernels=3, kernels_of_person=2, unclaimed_seconds=3600)
    yield server
    server.process.send_signal(signal.SIGTERM)


@pytest.mark.slow
def test_hundreds_of_idle_connections_keep_nobody_out(small: Any) -> None:
    place = urlsplit(small.address)
    held = []
    for number in range(400):
        line = socket.create_connection((place.hostname, place.port), timeout=PATIENCE)
        if number % 2:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nCook")
        held.append(line)
        if number % 100 == 99:
            assert small.ask("/")[0].status == 200
    assert small.ask("/")[0].status == 200
    files = psutil.Process(small.process.pid).num_fds()
    assert files < 200
    for line in held:
        line.close()
    assert "Too many open files" not in small.log.read_text()


WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PART = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
# Only one limit at a time is short: what ends a connection is that one, however busy the machine.
LONG = {"header_seconds": 3600.0, "body_seconds": 3600.0, "idle_seconds": 3600.0}


def test_a_request_that_is_never_whole_is_ended() -> None:
    async def ends(sent: bytes, limit: str) -> tuple[bytes, float]:
        began = time.monotonic()
        server, port = _listening(Limits(4, 3, 1, 1, **{**LONG, limit: 0.5}))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        server.stop()
        return answer, time.monotonic() - began

    for sent, limit, served in (
        (b"", "header_seconds", False),
        (WHOLE[:18], "header_seconds", False),
        (PART, "header_seconds", False),
        (WHOLE + PART, "body_seconds", True),
    ):
        answer, after = run_apart(ends(sent, limit))
        assert (b"200 OK" in answer, after >= 0.5) == (served, True), sent


def test_a_connection_that_is_silent_after_a_request_is_ended() -> None:
    async def ends(rest: bytes) -> int:
        server, port = _listening(Limits(4, 3, 1, 1, **LONG))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(WHOLE)
        served = await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE)
        server.conn_params.header_timeout = 0.5  # from the next request on
        writer.write(WHOLE + rest)
        served += await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        server.stop()
        return served.count(b"200 OK")

    for rest in (b"", WHOLE[:9]):
        assert run_apart(ends(rest)) >= 1


def test_one_address_has_a_share_of_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.server.limits._LOOPBACK", ())

    async def look() -> tuple[int, list[bool]]:
        server, port = _listening(Limits(9, 3, 1, 1, **LONG))
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        ends = [asyncio.ensure_future(reader.read()) for reader, _ in lines]
        # The first are ended for the last.
        await asyncio.wait_for(asyncio.gather(*ends[:2]), PATIENCE)
        there, ended = server.connections, [end.done() for end in ends]
        for _, writer in lines:
            writer.close()
        server.stop()
        return there, ended

    assert run_apart(look()) == (3, [True, True, False, False, False])


@pytest.mark.slow
def test_a_person_has_so_many_pages_and_is_told_so(small: Any) -> None:
    kernels = [_open_page(small)]
    (ended,) = small.kernels()
    kernels.append(_open_page(small))
    answer, body = small.ask("/voila/render/panel.ipynb")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert "You have 2 pages open, the most that one person may have." in body
    assert len(small.kernels()) == 2
    here = {"Origin": small.address.split("/?")[0]}
    assert small.ask(f"/voila/api/shutdown/{kernels[0]}", method="POST", **here)[0].status == 204
    assert psutil.wait_procs([ended], timeout=PATIENCE)[1] == []
    _open_page(small)


@pytest.mark.slow
def test_a_kernel_ends_with_whoever_waits_for_its_page(start_server: Callable[..., Any]) -> None:
    server = start_server()
    place = urlsplit(server.address)
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as line:
        line.sendall(
            f"GET /voila/render/panel.ipynb HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Authorization: token {server.token}\r\n\r\n".encode()
        )
        assert line.recv(100)
    assert _until(lambda: server.kernels() == [], seconds=PATIENCE)
    assert "Traceback" not in server.log.read_text()


def _listening(limits: Limits) -> tuple[LimitedServer, int]:
    server = LimitedServer(lambda request: _answer(request), limits=limits)
    server.listen(0, "127.0.0.1")
    (port,) = {each.getsockname()[1] for each in server._sockets.values()}
    return server, port


def _answer(request: Any) -> None:
    request.connection.write_headers(
        ResponseStartLine("HTTP/1.1", 200, "OK"),
        HTTPHeaders({"Content-Length": "2"}),
        b"ok",
    )
    request.connection.finish()


def _open_page(server: Any) -> str:
    answer, body = server.ask("/voila/render/panel.ipynb")
    found = re.search(r'"kernelId": "([\w-]+)"', body)
    assert answer.status == 200
    assert found is not None
    return found[1]


async def _connect(
    server: Any, kernel: str, protocols: list[str] | None
) -> WebSocketClientConnection:
    base = server.address.split("/?")[0].replace("http", "ws", 1)
    request = HTTPRequest(
        f"{base}/api/kernels/{kernel}/channels",
        headers={"Authorization": f"token {server.token}"},
    )
    return await websocket_connect(request, subprotocols=protocols)


def _until(true: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def test_no_module_is_taken_from_the_working_directory(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    # Footage brought in from elsewhere, with more in its folder than recordings.
    for name in ("beside", "pandas", "ipykernel_launcher", "matplotlib_inline"):
        text = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n"
        (tmp_path / f"{name}.py").write_text(text)
    server = start_server(warm=1, cwd=tmp_path)
    assert "beside: None" in server.ask("/voila/render/asked.ipynb")[1]
    assert server.ask("/api/v1/cases")[0].status == 200
    assert not (tmp_path / "ran").exists()
    # Nor where a kernel is not forked.
    assert CurrentInterpreter().get_kernel_spec("python3").argv[1:3] == ["-P", "-m"]


def test_memory_is_what_the_service_is_given(tmp_path: Path) -> None:
    service = tmp_path / "system.slice/sightline.service"
    service.mkdir(parents=True)
    machine = memory_allowed(tmp_path, tmp_path)
    (tmp_path / "cgroup").write_text("1:cpu:/elsewhere\n0::/system.slice/sightline.service\n")
    assert memory_allowed(tmp_path, tmp_path) == machine
    (service / "memory.max").write_text("max\n")
    assert memory_allowed(tmp_path, tmp_path) == machine
    (service.parent / "memory.max").write_text("1073741824\n")
    assert memory_allowed(tmp_path, tmp_path) == 2**30
    (service / "memory.max").write_text("536870912\n")
    assert memory_allowed(tmp_path, tmp_path) == 2**29
