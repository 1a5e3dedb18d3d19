"""Arrival of whole tables: each commit is a part of a gallery that answers as the first did."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle import check_tables
from parted import answers_of, filled

from workbench.gallery.arriving import arrive
from workbench.gallery.committing import Committer
from workbench.gallery.exchange import folders_of, read_batches
from workbench.gallery.exporting import export
from workbench.gallery.manifest import AlreadyStored
from workbench.gallery.opening import create
from workbench.gallery.parts import check_part
from workbench.gallery.snapshot import Snapshot


def test_tables_come_whole_and_what_is_left_out_does_not(tmp_path: Path) -> None:
    made = filled(tmp_path, "cosine", 5, count=8)
    profile, names = made.reader.profile, [*made.town.recordings]
    export(made.reader, tmp_path / "out")
    several = [
        batch.tables
        for folder in folders_of(tmp_path / "out")
        for batch in read_batches(folder, profile)
    ]
    with create(tmp_path / "new.duckdb", profile) as opened:
        committer = Committer(opened.manifest, opened.storage)
        before = opened.manifest.state().commit
        for tables in several:
            arrive(committer, tables, indexed=True)
        assert opened.manifest.state().commit == before + len(several)
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
        check_tables(answers_of(snapshot), made.town.tables())
        for entry in snapshot.parts():
            assert [*check_part(snapshot.storage, entry, profile)] == []
        # The manifest knows of each what it would had it been indexed here.
        assert opened.manifest.recordings(names) == made.committer.manifest.recordings(names)
        with pytest.raises(AlreadyStored):
            arrive(committer, several[-1])
        assert opened.manifest.state().commit == before + len(several)
    with create(tmp_path / "less.duckdb", profile) as opened:
        committer = Committer(opened.manifest, opened.storage)
        count = sum(arrive(committer, tables, without=names[:1], owner="ab") for tables in several)
        assert count == len(names) - 1
        assert opened.manifest.held(names) == {*names[1:]}
        assert opened.manifest.state().owner == "ab"
        assert not opened.manifest.recordings(names)[names[1]].indexed
    made.close()
