"""The record: what was written stays, and whatever is done to it is found, with its place."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.casework.record.audit import HEAD, LOG, AuditLog, verify
from workbench.casework.record.chain import TORN, Head, canonical, is_whole
from workbench.errors import AuditDamaged

BY = {"account": "anna", "uid": 1000}

# Processes that are killed while they write; make soak asks for more.
KILLS = int(os.environ.get("SIGHTLINE_KILLS", "6"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of ten entries."""
    log = AuditLog(tmp_path / "casework")
    for number in range(1, 11):
        log.append("search.asked", BY, {"number": number, "name": 'Łódź \n "quoted"'})
    return tmp_path / "casework"


def lines(folder: Path) -> list[bytes]:
    return (folder / LOG).read_bytes().splitlines(keepends=True)


def write(folder: Path, content: list[bytes]) -> None:
    (folder / LOG).write_bytes(b"".join(content))


def test_entries_come_back_as_written(folder: Path) -> None:
    entries = AuditLog(folder).read_new()
    assert [entry.about["number"] for entry in entries] == list(range(1, 11))
    assert entries[3].about["name"] == 'Łódź \n "quoted"'
    assert {entry.account for entry in entries} == {"anna"}
    assert all(a.at <= b.at for a, b in itertools.pairwise(entries))
    found = verify(folder)
    assert found.sound
    assert found.entries == 10
    assert found.head == Head(10, entries[-1].hash)


def test_two_logs_append_to_one_chain(folder: Path) -> None:
    one, two = AuditLog(folder), AuditLog(folder)
    one.read_new()
    for turn in range(6):
        (one, two)[turn % 2].append("case.closed", BY, {"turn": turn})
    assert verify(folder).sound
    assert [entry.number for entry in one.read_new()] == [16]  # the last was the other's
    assert one.head == verify(folder).head


def test_processes_append_at_the_same_time(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from workbench.casework.record import audit\n"
        "audit.PATIENCE = 600.0\n"  # the others may have the lock each time it is asked for
        "log = audit.AuditLog(Path(sys.argv[1]))\n"
        "for n in range(50): log.append('x', {'account': sys.argv[2]}, {'n': n})"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(folder), name]) for name in "abcd"]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    found = verify(folder)
    assert found.sound
    assert found.entries == 210
    entries = AuditLog(folder).read_new()
    for name in "abcd":
        assert [e.about["n"] for e in entries if e.account == name] == list(range(50))


@pytest.mark.parametrize("line", range(10))
def test_a_changed_byte_is_found_where_it_is(folder: Path, line: int) -> None:
    content = lines(folder)
    for at in random.Random(line).sample(range(len(content[line]) - 1), 12):
        changed = bytearray(content[line])
        changed[at] ^= 1
        write(folder, [*content[:line], bytes(changed), *content[line + 1 :]])
        found = verify(folder)
        assert not found.sound, at
        assert found.faults[0].line in (line + 1, line + 2), at
        with pytest.raises(AuditDamaged):
            AuditLog(folder).read_new()


@pytest.mark.parametrize("line", range(10))
def test_a_removed_line_is_found_where_it_was(folder: Path, line: int) -> None:
    content = lines(folder)
    write(folder, content[:line] + content[line + 1 :])
    found = verify(folder)
    assert found.faults[0].line == line + 1
    assert "removed" in str(found.faults[0])
    with pytest.raises(AuditDamaged):
        AuditLog(folder).append("x", BY, {})


@pytest.mark.parametrize(("a", "b"), [(0, 1), (3, 4), (2, 8), (8, 9)])
def test_lines_that_changed_places_are_found(folder: Path, a: int, b: int) -> None:
    content = lines(folder)
    content[a], content[b] = content[b], content[a]
    write(folder, content)
    found = verify(folder)
    assert found.faults[0].line == a + 1
    with pytest.raises(AuditDamaged):
        AuditLog(folder).read_new()


def test_a_line_written_twice_is_found(folder: Path) -> None:
    content = lines(folder)
    write(folder, [*content, content[4]])
    assert verify(folder).faults[0].line == 11
    assert "moved or written twice" in str(verify(folder).faults[0])
    with pytest.raises(AuditDamaged):
        AuditLog(folder).append("x", BY, {})


def test_an_entry_rewritten_with_a_right_hash_is_found(folder: Path) -> None:
    content = lines(folder)
    write(folder, [*content[:5], rewritten(content[5]), *content[6:]])
    fault = verify(folder).faults[0]
    assert fault.line == 7
    assert "entry 6, which precedes it, was replaced" in fault.what


def test_a_rewritten_end_is_shown_by_a_pin_alone(folder: Path) -> None:
    pinned = verify(folder).head
    content = lines(folder)
    content = [*content[:9], rewritten(content[9])]
    write(folder, content)
    assert not verify(folder).sound  # the head beside it is another
    (folder / HEAD).write_text(f"{10:020d}:{content[9][:64].decode()}\n")
    assert verify(folder).sound  # whoever writes both files leaves no trace in them
    found = verify(folder, pins=[pinned])
    assert "entry 10 is not the one that was pinned" in str(found.faults[0])


def test_a_pin_behind_the_end_is_missed(folder: Path) -> None:
    pinned = verify(folder).head
    content = lines(folder)[:8]
    write(folder, content)
    (folder / HEAD).write_text(f"{8:020d}:{content[-1][:64].decode()}\n")
    assert "entry 10, which was pinned, is missing" in str(verify(folder, pins=[pinned]).faults[0])


def rewritten(line: bytes) -> bytes:
    import hashlib

    rest = line[65:-1].replace(b"anna", b"rosa")
    return hashlib.sha256(rest).hexdigest().encode() + b" " + rest + b"\n"


def test_an_open_log_sees_what_is_done_behind_its_back(folder: Path) -> None:
    for damage in (shorten, replace_last, swap_file):
        log = AuditLog(folder)
        log.read_new()
        kept = {name: (folder / name).read_bytes() for name in (LOG, HEAD)}
        damage(folder)
        with pytest.raises(AuditDamaged):
            log.append("x", BY, {})
        (folder / LOG).unlink()
        for name, content in kept.items():
            (folder / name).write_bytes(content)


def shorten(folder: Path) -> None:
    write(folder, lines(folder)[:-1])


def replace_last(folder: Path) -> None:
    write(folder, [*lines(folder)[:-1], rewritten(lines(folder)[-1])])


def swap_file(folder: Path) -> None:
    copy = folder / "copy"
    copy.write_bytes((folder / LOG).read_bytes())
    copy.rename(folder / LOG)


def test_what_a_write_left_at_any_byte_is_declared_and_nothing_is_lost(folder: Path) -> None:
    before, head = lines(folder), (folder / HEAD).read_bytes()
    AuditLog(folder).append("search.asked", BY, {"number": 11})
    written = lines(folder)[-1]
    for at in range(len(written) + 1):
        write(folder, [*before, written[:at]])
        (folder / HEAD).write_bytes(head)
        found = verify(folder)
        assert found.sound, (at, found.faults)
        AuditLog(folder).append("case.closed", BY, {"after": at})
        found = verify(folder)
        assert found.sound, (at, found.faults)
        assert (folder / LOG).read_bytes().startswith(b"".join([*before, written[:at]]))
        torn = 0 < at < len(written)
        assert found.torn == torn
        assert found.entries == 11 + (torn or at == len(written))
        # The next one finds it in order too.
        assert AuditLog(folder).read_new()[-1].about == {"after": at}


def test_a_mend_may_itself_be_interrupted_at_any_byte(folder: Path) -> None:
    before, head = lines(folder), (folder / HEAD).read_bytes()
    AuditLog(folder).append("search.asked", BY, {"number": 11})
    first = b"".join([*before, lines(folder)[-1][:100]])
    (folder / LOG).write_bytes(first)
    (folder / HEAD).write_bytes(head)
    AuditLog(folder).append("x", BY, {})
    mended = (folder / LOG).read_bytes()
    for at in range(len(first), len(mended) + 1, 7):
        (folder / LOG).write_bytes(mended[:at])
        (folder / HEAD).write_bytes(head)
        AuditLog(folder).append("y", BY, {"at": at})
        assert verify(folder).sound, at
        assert (folder / LOG).read_bytes().startswith(mended[:at])


@pytest.mark.soak
def test_kill_9_loses_no_entry_that_was_confirmed(tmp_path: Path) -> None:
    folder = tmp_path / "casework"
    code = (
        "import sys; from pathlib import Path\n"
        "from workbench.casework.record.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "while True: print(log.append('x', {'account': 'a'}, {'p': 'x' * 5000})[-1].hash, "
        "flush=True)"
    )
    confirmed: list[str] = []
    for turn in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(3 + 5 * (turn % 6)):
            confirmed.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        confirmed += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        assert verify(folder).sound
    known = {entry.hash for entry in AuditLog(folder).read_new()}
    assert len(confirmed) > 50
    assert set(confirmed) <= known


@pytest.mark.parametrize("name", [LOG, HEAD])
def test_a_record_that_is_linked_or_writable_by_others_is_refused(folder: Path, name: str) -> None:
    elsewhere = folder.parent / "elsewhere"
    path = folder / name
    path.rename(elsewhere)

    def refused(why: str) -> bool:
        with pytest.raises(AuditDamaged, match=why):
            AuditLog(folder).append("x", BY, {})
        return not verify(folder).sound

    path.symlink_to(elsewhere)
    assert refused("symbolic link")
    path.unlink()
    os.link(elsewhere, path)
    assert refused("hard link")
    path.unlink()
    elsewhere.rename(path)
    path.chmod(0o666)
    assert refused("everyone")


def test_a_folder_that_is_a_link_is_refused(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    with pytest.raises(AuditDamaged, match="symbolic link"):
        AuditLog(link).read_new()


def test_a_missing_record_or_head_is_missed(folder: Path) -> None:
    kept = (folder / HEAD).read_bytes()
    (folder / HEAD).unlink()
    assert "head" in str(verify(folder).faults[0])
    with pytest.raises(AuditDamaged):
        AuditLog(folder).read_new()
    (folder / HEAD).write_bytes(kept)
    (folder / LOG).unlink()
    assert not verify(folder).sound
    with pytest.raises(AuditDamaged, match="entry 1 of 10 is missing"):
        AuditLog(folder).append("x", BY, {})


@pytest.mark.parametrize("text", ["", "10", "10:abc", "x:" + "0" * 64, "1:" + "G" * 64])
def test_a_head_is_read_whole_or_not_at_all(text: str) -> None:
    with pytest.raises(AuditDamaged, match="not the head"):
        Head.parse(text)
    head = Head(7, "a" * 64)
    assert Head.parse(str(head)) == head


@settings(
    max_examples=settings().max_examples * 3 // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_done_to_the_lines_is_found(folder: Path, data: st.DataObject) -> None:
    """Any bytes cut out, put in, exchanged or repeated, but for what a crash leaves at the end."""
    kept = folder / "kept"
    if not kept.exists():
        kept.write_bytes((folder / LOG).read_bytes())
    whole = kept.read_bytes()
    a, b = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    what = data.draw(st.sampled_from(["cut", "put", "change", "repeat", "move"]))
    junk = data.draw(st.binary(min_size=1, max_size=40))
    changed = {
        "cut": whole[:a] + whole[b:],
        "put": whole[:a] + junk + whole[a:],
        "change": whole[:a] + junk + whole[a + len(junk) :],
        "repeat": whole[:b] + whole[a:b] + whole[b:],
        "move": whole[b:] + whole[a:b] + whole[:a],
    }[what]
    if changed.startswith(whole) and b"\n" not in changed[len(whole) :]:
        return  # nothing, or what an interrupted write leaves
    (folder / LOG).write_bytes(changed)
    found = verify(folder)
    assert not found.sound
    log = AuditLog(folder)
    more = changed[len(whole) :] if changed.startswith(whole) else b""
    if more and not any(is_whole(line + b"\n") for line in more.split(b"\n")):
        log.append("x", BY, {})  # what is no entry is declared, not believed
        assert verify(folder).torn == 1
        (folder / HEAD).write_text(f"{10:020d}:{whole.splitlines()[-1][:64].decode()}\n")
    else:
        with pytest.raises(AuditDamaged):
            log.append("x", BY, {})


def test_json_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "é\u2028\n"}) == b'{"a":"\\u00e9\\u2028\\n","b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"a": float("nan")})


def test_a_forged_declaration_hides_nothing(folder: Path) -> None:
    """Entries that were confirmed cannot be declared an interrupted write afterwards."""
    content = lines(folder)
    start: Callable[[], AuditLog] = lambda: AuditLog(folder)  # noqa: E731
    write(folder, [*content[:9], content[9][:50]])
    with pytest.raises(AuditDamaged, match="entry 10 of 10 was changed or cut"):
        start().append("x", BY, {})
    assert TORN not in (folder / LOG).read_text()
