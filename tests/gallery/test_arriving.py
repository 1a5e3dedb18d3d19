"""Arrival of the tables of a gallery of segments: parts answer as it does, pictures included."""

from __future__ import annotations

from pathlib import Path

import pytest
from parted import VIEWS, answers, pictures, pictures_of, twins
from workbench.gallery.segments import read_tables

from workbench.gallery.arriving import arrive
from workbench.gallery.committing import Committer
from workbench.gallery.exporting import export
from workbench.gallery.manifest import AlreadyStored
from workbench.gallery.opening import create
from workbench.gallery.parts import check_part
from workbench.gallery.questions import read_only
from workbench.gallery.snapshot import Snapshot


def test_tables_of_segments_come_whole(tmp_path: Path) -> None:
    made = twins(tmp_path, "cosine", 5, count=8)
    gallery = made.gallery
    export(gallery, tmp_path / "out")
    folders = sorted(one for one in (tmp_path / "out").iterdir() if one.is_dir())
    with create(tmp_path / "new.duckdb", gallery.profile) as opened:
        committer = Committer(opened.manifest, opened.storage)
        before, left_out = opened.manifest.state().commit, made.recordings[0].recording_id
        for folder in folders:
            arrive(committer, read_tables(folder, gallery.profile), indexed=True)
        assert opened.manifest.state().commit == before + len(folders)
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
        with read_only(snapshot) as found, gallery.connection() as wanted:
            mine, theirs = answers(found), answers(wanted)
        for view in VIEWS:
            assert mine[view] == theirs[view], view
        for entry in snapshot.parts():
            assert [*check_part(snapshot.storage, entry, gallery.profile)] == []
        # The manifest knows of each what it would had it been indexed into parts.
        names = [one.recording_id for one in made.recordings]
        assert opened.manifest.recordings(names) == made.committer.manifest.recordings(names)
        assert pictures(snapshot) == pictures_of(gallery)
        with pytest.raises(AlreadyStored):
            arrive(committer, read_tables(folders[-1], gallery.profile))
    with create(tmp_path / "less.duckdb", gallery.profile) as opened:
        committer = Committer(opened.manifest, opened.storage)
        count = sum(
            arrive(committer, read_tables(folder, gallery.profile), without=[left_out], owner="ab")
            for folder in folders
        )
        assert count == len(made.recordings) - 1
        assert opened.manifest.held([left_out, names[1]]) == {names[1]}
        assert opened.manifest.state().owner == "ab"
        assert not opened.manifest.recordings(names)[names[1]].indexed
    made.close()
