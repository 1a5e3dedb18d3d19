"""Manifests in Postgres: several writers, lost connections, secrets and refusals."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from deployed import make_certificate
from manifests import Opening, Place, in_postgres
from parted import CAMERAS
from postgres import ACCOUNT, Postgres

from workbench.domain import Camera, IndexedRecording, Profile, to_microseconds
from workbench.errors import GalleryBusy, GalleryError, SightlineError
from workbench.gallery import postgres as rooms
from workbench.gallery.committing import ABANDONED, Committer
from workbench.gallery.connecting import database_at
from workbench.gallery.database import DatabaseLost
from workbench.gallery.entries import CameraEntry, Change
from workbench.gallery.manifest import AlreadyStored, Manifest, Overtaken
from workbench.gallery.parts import check_part
from workbench.gallery.postgres import PostgresDatabase

Make = Callable[..., IndexedRecording]
NOW = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def opening(postgres: Postgres) -> Opening:
    return in_postgres(postgres)


@pytest.fixture
def place(opening: Opening, tmp_path: Path, profile: Profile) -> Place:
    """A gallery without a commit."""
    database = opening(tmp_path, write=True, create=True)
    Manifest.create(database, profile, "town.duckdb").close()
    return Place(tmp_path, opening)


def store_each(committer: Committer, recordings: list[IndexedRecording], seen: Event) -> None:
    """Store recordings one by one, but for those that another process has stored.

    The fifth waits until some were *seen*.
    """
    for number, one in enumerate(recordings):
        if number == 4:
            seen.wait(240)
        with contextlib.suppress(AlreadyStored):
            committer.store([one], CAMERAS)


def test_two_writers_store_each_recording_once_and_commits_appear_in_order(
    place: Place, indexed: Make
) -> None:
    recordings = [indexed(n % 6, 15 * n, (n, n + 1)) for n in range(16)]
    committer = place.committer()  # each process of it makes a connection of its own
    snapshot = place.snapshot()
    assert snapshot.parts() == []
    fork = multiprocessing.get_context("fork")
    some_seen = fork.Event()
    writers = [
        fork.Process(target=store_each, args=(committer, some, some_seen))
        for some in (recordings, recordings[::-1])
    ]
    for writer in writers:
        writer.start()
    seen = {}
    while snapshot.commit < len(recordings):
        snapshot = snapshot.refreshed()
        seen[snapshot.commit] = snapshot.parts()
        if snapshot.commit:
            some_seen.set()
        assert any(writer.is_alive() for writer in writers) or not snapshot.refreshed().commit < 16
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert 0 < min(filter(None, seen)) < len(recordings)
    for commit, parts in seen.items():
        assert len(parts) == commit
        assert snapshot.manifest.parts(commit) == parts  # nothing came into it later
    assert snapshot.manifest.counts(16) | {"bytes": 0} == {
        "parts": 16, "recordings": 16, "tracklets": 48, "templates": 32, "bytes": 0
    }  # fmt: skip
    assert sorted(snapshot.manifest.packs()) == sorted(snapshot.manifest.packs(range(1, 99)))
    named = [part.object(file.name) for part in snapshot.parts() for file in part.files]
    named += [pack.object for pack in snapshot.manifest.packs().values()]
    assert sorted(place.objects()) == sorted(named)
    assert committer.manifest.unfinished("writer") == committer.manifest.dropped() == []
    assert committer.store([indexed(0, 900, (1,))], CAMERAS) == 17


class Cut(PostgresDatabase):
    """Connection that is lost while a commit is on its way to the server, or its answer back."""

    lose: Callable[[], None] | None = None
    answered = False

    def _execute(self, sql: str, parameters: Any = None) -> Any:
        if sql != "COMMIT" or self.lose is None:
            return super()._execute(sql, parameters)
        lose, self.lose = self.lose, None
        found = super()._execute(sql) if self.answered else None
        lose()
        assert found is None or found.statusmessage == "COMMIT"
        return super()._execute(sql)  # finds the connection gone


def cut(place: Place, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> tuple[Committer, Cut]:
    monkeypatch.setattr(rooms, "PostgresDatabase", Cut)
    committer = place.committer()
    database = committer.manifest._database
    assert isinstance(database, Cut)
    return committer, database


@pytest.mark.parametrize("answered", [False, True])
def test_a_commit_whose_connection_is_lost_is_made_once(
    place: Place, postgres: Postgres, indexed: Make, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    committer, database = cut(place, postgres, monkeypatch)
    one = indexed(0, 0, (1, 2))
    reserve = type(committer.manifest).reserve

    def kill() -> None:
        (pid,) = {database._connection.info.backend_pid}
        with psycopg.connect(postgres.address(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def reserve_then_lose(*args: Any, **more: Any) -> Any:
        found = reserve(*args, **more)
        database.lose, database.answered = (kill if more.get("parts") else None), answered
        return found

    monkeypatch.setattr(Manifest, "reserve", reserve_then_lose)
    assert committer.store([one], CAMERAS) == 1
    assert database.lose is None
    snapshot = place.snapshot()
    assert snapshot.commit == 1
    (entry,) = snapshot.parts()
    assert [*check_part(snapshot.storage, entry, snapshot.manifest.profile)] == []
    monkeypatch.undo()
    with pytest.raises(AlreadyStored):
        place.committer().store([one], CAMERAS)
    assert len(place.objects()) == 6


@pytest.mark.parametrize("answered", [False, True])
def test_a_server_that_stays_away_leaves_it_open_whether_a_commit_was_made_and_nothing_is_lost(
    place: Place, postgres: Postgres, indexed: Make, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    committer, database = cut(place, postgres, monkeypatch)
    monkeypatch.setattr(rooms, "PATIENCE_WRITING", 0.1)
    monkeypatch.setattr(rooms, "PATIENCE_READING", 0.1)
    one = indexed(0, 0, (1, 2))
    advance = Manifest._advance

    def advance_then_lose(*args: Any) -> None:
        advance(*args)
        database.lose = lambda: postgres.stop(signal.SIGQUIT)
        database.answered = answered

    monkeypatch.setattr(Manifest, "_advance", advance_then_lose)
    try:
        with pytest.raises(DatabaseLost, match="not known whether it was made") as told:
            committer.store([one], CAMERAS)
        assert "do this again" in told.value.fix
        with pytest.raises(DatabaseLost, match="cannot be reached"):
            committer.manifest.state()
        with pytest.raises(DatabaseLost, match="cannot be reached"):
            place.snapshot()
    finally:
        postgres.start()
    monkeypatch.undo()
    assert len(place.objects()) == 6
    if answered:
        with pytest.raises(AlreadyStored):
            place.committer().store([one], CAMERAS)
    else:
        place.committer().store([one], CAMERAS)
    snapshot = place.snapshot()
    assert snapshot.commit == 1
    (entry,) = snapshot.parts()
    assert [*check_part(snapshot.storage, entry, snapshot.manifest.profile)] == []
    assert place.committer().sweep() == 0  # what may be at work still is not swept
    assert len(place.objects()) == (6 if answered else 12)


def test_who_reads_waits_for_a_server_that_starts_again(
    place: Place, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "PATIENCE_READING", 120.0)
    manifest = place.snapshot().manifest
    postgres.stop()
    starting = threading.Timer(0.2, postgres.start)
    starting.start()
    try:
        assert manifest.state().commit == 0
    finally:
        starting.join()


def test_what_was_reserved_a_day_ago_is_swept_and_nothing_that_may_be_at_work(
    place: Place, indexed: Make, opening: Opening
) -> None:
    committer, other = place.committer(), place.committer()
    with committer.attempt() as dead, committer.attempt() as living:
        dead.write_packs([indexed(0, 0, (1,))])
        (pack,), _ = living.write_packs([indexed(1, 0, (2,))])
        gone = committer.manifest.unfinished("writer")
        gone = [one for one in gone if one.name != pack.name]
        database = opening(place.folder, write=True)
        database.write(
            lambda: database.change(
                "UPDATE packs SET reserved_at = reserved_at - :day WHERE name = :name",
                {"day": ABANDONED // timedelta(microseconds=1), "name": gone[0].name},
            )
        )
        assert other.sweep() == 1
        assert place.objects() == [pack.object]
        with pytest.raises(Overtaken):
            dead.commit(Change(packs=[pack.__class__(gone[0].name, 1, pack.day, 1, 1, "")]))
        assert living.commit(Change(packs=[pack])) == 1
    # By the server's clock, whatever that of this machine says.
    assert abs(other.manifest.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_writer_that_stands_still_holds_nobody_up_for_long(
    place: Place, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "_SETTINGS", {"lock_timeout": "100ms"})
    late = opening(place.folder, write=True)
    monkeypatch.setattr(rooms, "_SETTINGS", {"lock_timeout": "60s"})
    still, patient = opening(place.folder, write=True), opening(place.folder, write=True)
    tries: list[int] = []
    inside, refused, second = threading.Event(), threading.Event(), threading.Event()

    def work() -> int:
        tries.append(still.change("UPDATE gallery SET owner = :owner", {"owner": "first"}))
        inside.set()
        if len(tries) == 1:
            refused.wait(60)
            still.change("SET idle_in_transaction_session_timeout = '300ms'")
            second.wait(60)
        return len(tries)

    found: list[int] = []
    writer = threading.Thread(target=lambda: found.append(still.write(work)))
    writer.start()
    assert inside.wait(60)
    with pytest.raises(GalleryBusy, match="in use by another process"):
        late.write(lambda: late.change("UPDATE gallery SET owner = ''"))
    refused.set()
    patient.write(lambda: patient.change("UPDATE gallery SET owner = 'second'"))
    second.set()
    writer.join()
    assert found == [2]  # undone, and made again
    ((owner,),) = patient.rows("SELECT owner FROM gallery")
    assert owner == "first"


def test_no_password_is_shown_anywhere(
    postgres: Postgres,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "ope%n-sesame"
    rules = postgres.folder / "data" / "pg_hba.conf"
    usual = rules.read_text()
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE guard LOGIN SUPERUSER PASSWORD '{secret}'".encode())
    rules.write_text(f"local all guard scram-sha-256\n{usual}")
    assert postgres.process is not None
    postgres.process.send_signal(signal.SIGHUP)
    host = f"host={quote(str(postgres.folder), '')}"
    said = []
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:  # until the rules are read
            try:
                database_at(f"postgresql://guard@/postgres?{host}", tmp_path).close()
            except GalleryError as error:
                said.append(error)
                break
        for wrong in (
            f"postgresql://guard:{quote(secret)}x@/postgres?{host}",
            f"postgresql://guard:{quote(secret)}@/missing?{host}",
            f"postgresql://guard:{quote(secret)}@127.0.0.1:1/postgres",
            f"postgresql://guard:{secret}@/postgres?{host}",  # not a URI: % begins a code
            f"postgresql://guard:{quote(secret)}@/postgres?{host}&pasword=x",
        ):
            with pytest.raises(GalleryError) as refused:
                database_at(wrong, tmp_path)
            said.append(refused.value)
        right = database_at(f"postgresql://guard:{quote(secret)}@/postgres?{host}", tmp_path)
        with pytest.raises(GalleryError, match="holds no manifest") as refused:
            Manifest(right, "town.duckdb")
        said.append(refused.value)
        texts = [repr(right), caplog.text, (postgres.folder / "log").read_text()]
        for error in said:
            chain: BaseException | None = error
            while chain is not None:
                texts += [repr(chain), str(chain)]
                chain = chain.__cause__
        assert "password authentication failed" in str(texts)
        for text in texts:
            assert secret not in text
            assert quote(secret) not in text
        right.close()
        # A password of libpq's own file, and all of an address from a service.
        passwords, services = tmp_path / "pgpass", tmp_path / "services"
        passwords.touch(0o600)
        passwords.write_text(f"*:*:*:guard:{secret}\n")
        services.write_text(f"[town]\nuser=guard\ndbname=postgres\nhost={postgres.folder}\n")
        monkeypatch.setenv("PGPASSFILE", str(passwords))
        monkeypatch.setenv("PGSERVICEFILE", str(services))
        found = database_at("postgresql:///?service=town", tmp_path)
        assert found.rows("SELECT current_user") == [("guard",)]
        assert "service=town" in repr(found)
        found.close()
    finally:
        rules.write_text(usual)
        postgres.process.send_signal(signal.SIGHUP)
        with psycopg.connect(postgres.address(), autocommit=True) as connection:
            connection.execute("DROP ROLE guard")


def test_a_server_is_known_by_its_certificate(postgres: Postgres, tmp_path: Path) -> None:
    known, other = tmp_path / "known", tmp_path / "other"
    for place in (known, other):
        place.mkdir()
        make_certificate(place)
    data = postgres.folder / "data"
    for name, ours in (("server.key", "key.pem"), ("server.crt", "certificate.pem")):
        shutil.copy(known / ours, data / name)
        (data / name).chmod(0o600)
        os.chown(data / name, data.stat().st_uid, data.stat().st_gid)  # as whom it runs
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    postgres.stop()
    postgres.start("-c", "ssl=on", "-c", "listen_addresses=127.0.0.1", port=port)
    try:
        address = f"postgresql://{ACCOUNT}@127.0.0.1:{port}/postgres?sslmode=verify-full"
        found = database_at(f"{address}&sslrootcert={known}/certificate.pem", tmp_path)
        sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert found.rows(sql) == [(True,)]
        found.close()
        with pytest.raises(GalleryError, match="certificate verify failed"):
            database_at(f"{address}&sslrootcert={other}/certificate.pem", tmp_path)
    finally:
        postgres.stop()
        postgres.start()


def test_what_cannot_be_a_manifest_is_refused(
    place: Place, opening: Opening, postgres: Postgres, tmp_path: Path, indexed: Make
) -> None:
    reader = place.snapshot().manifest
    with pytest.raises(GalleryError, match="can only be read"):
        reader.commit(Change(owner="ab"))
    with pytest.raises(GalleryError, match="already exists"):
        database_at(_schema_of(opening, place), tmp_path, create=True)
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(GalleryError, match="holds text as LATIN1"):
        database_at(postgres.address().replace("/postgres?", "/old?"), tmp_path, create=True)
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute("DROP DATABASE old WITH (FORCE)")
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(SightlineError, match=r"holds no manifest|does not let this account"):
        Manifest(database_at(postgres.address(account="guest"), tmp_path), "town.duckdb")
    # Cameras are in the order of code points, whatever language the server speaks.
    named = [
        CameraEntry(Camera(name, name, 51.5, 0.0), NOW) for name in ("b", "B", "ä", "_", "a b")
    ]
    manifest = place.committer().manifest
    manifest.commit(Change(cameras=named))
    ids = [camera.camera_id for camera in manifest.cameras()]
    assert ids == sorted(ids)
    assert to_microseconds(manifest.created_at()) > 0


def _schema_of(opening: Opening, place: Place) -> str:
    """Address of the manifest of a gallery."""
    database = opening(place.folder)
    assert isinstance(database, PostgresDatabase)
    ((schema,),) = database.rows("SELECT current_schema()")
    given = database._given
    return (
        f"postgresql://{ACCOUNT}@/postgres?host={quote(given['host'], '')}"
        f"&options={quote(f'-c search_path={schema}')}"
    )
