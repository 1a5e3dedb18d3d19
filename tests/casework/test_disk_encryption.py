"""Whether the disk is encrypted, told from what the kernel says of it.

The trees are laid out as Linux lays out /sys (Documentation/ABI/testing/sysfs-block and
sysfs-block-dm); a test machine rarely has an encrypted disk.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.casework.disk_encryption import storage_of


class Machine:
    """A /sys and a /proc whose disk holds *home*."""

    def __init__(self, folder: Path) -> None:
        self.system, self.process, self.home = (folder / n for n in ("sys", "proc", "home"))
        self.home.mkdir()
        (self.process / "self").mkdir(parents=True)
        (self.process / "self" / "mountinfo").write_text("")
        for name in ("dev/block", "class/block", "devices"):
            (self.system / name).mkdir(parents=True)

    def device(self, name: str, *, uuid: str = "", made_of: tuple[str, ...] = ()) -> Path:
        path = self.system / "devices" / name
        path.mkdir(parents=True)
        (self.system / "class/block" / path.name).symlink_to(path)
        if uuid:
            (path / "dm").mkdir()
            (path / "dm/uuid").write_text(uuid + "\n")
        if made_of:
            (path / "slaves").mkdir()
            for part in made_of:
                (path / "slaves" / Path(part).name).symlink_to(self.system / "devices" / part)
        return path

    def holds(self, path: Path) -> None:
        number = self.home.stat().st_dev
        link = self.system / "dev/block" / f"{os.major(number)}:{os.minor(number)}"
        link.symlink_to(path)

    @property
    def state(self) -> str:
        found = storage_of(self.home / "not/yet", system=self.system, process=self.process)
        assert found.path == self.home
        return found.state


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_plain_partition(machine: Machine) -> None:
    machine.device("sda")
    partition = machine.device("sda/sda1")
    (partition / "partition").write_text("1\n")
    machine.holds(partition)
    assert machine.state == "plain"


def test_luks_on_a_partition(machine: Machine) -> None:
    machine.device("sda")
    machine.device("sda/sda1")
    machine.holds(machine.device("dm-0", uuid="CRYPT-LUKS2-0123", made_of=("sda/sda1",)))
    assert machine.state == "encrypted"


def test_a_logical_volume_on_luks(machine: Machine) -> None:
    machine.device("dm-0", uuid="CRYPT-LUKS2-0123")
    machine.holds(machine.device("dm-1", uuid="LVM-abc", made_of=("dm-0",)))
    assert machine.state == "encrypted"


def test_a_raid_mirror_with_one_unencrypted_half_is_unencrypted(machine: Machine) -> None:
    machine.device("dm-0", uuid="CRYPT-LUKS2-0123")
    machine.device("sdb")
    machine.holds(machine.device("md0", made_of=("dm-0", "sdb")))
    assert machine.state == "plain"


@pytest.mark.parametrize(
    ("source", "kind", "state"),
    [("/dev/dm-0", "btrfs", "encrypted"), ("/dev/sda", "btrfs", "plain"),
     ("server:/export", "nfs4", "unknown"), ("tmpfs", "tmpfs", "unknown")],
)  # fmt: skip
def test_file_systems_without_a_device_number(
    machine: Machine, source: str, kind: str, state: str
) -> None:
    machine.device("dm-0", uuid="CRYPT-PLAIN-x")
    machine.device("sda")
    table = "22 1 0:1 / / rw - ext4 /dev/none rw\n"
    table += f"30 22 0:40 / {machine.home} rw,noatime shared:1 - {kind} {source} rw\n"
    (machine.process / "self" / "mountinfo").write_text(table)
    assert machine.state == state


def test_this_machine_is_told_too(tmp_path: Path) -> None:
    found = storage_of(tmp_path)
    assert found.state in ("encrypted", "plain", "unknown")
    assert found.device
