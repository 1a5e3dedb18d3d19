"""Files as memory: all bytes, no descriptor, and nothing read ahead unless that is wanted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from workbench.gallery.mapping import in_order, map_file


def reads_ahead(mapped: pa.Buffer) -> bool:
    """What the system notes of the memory of a buffer."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            begin, end = (int(edge, 16) for edge in name.split("-"))
            inside = begin <= mapped.address < end
        elif inside and name == "VmFlags:":
            return "rr" not in rest.split()
    raise AssertionError("the buffer is not mapped")


def test_a_file_is_mapped_and_read_ahead_in_when_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "some"
    content = bytes(range(256)) * 1000
    file.write_bytes(content)
    before = len([*Path("/proc/self/fd").iterdir()])
    mapped = map_file(file)
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    assert not reads_ahead(mapped)
    file.unlink()
    assert mapped.to_pybytes() == content
    in_order(mapped)
    assert reads_ahead(mapped)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        map_file(tmp_path / "none")
