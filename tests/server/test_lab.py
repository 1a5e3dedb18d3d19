"""JupyterLab on copies of the notebooks: what is copied, what is refused, what the wheel brings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyterlab.labapp import LabApp

from workbench.cli.main import main
from workbench.dashboards import packaged_notebooks
from workbench.errors import GalleryError, SettingsError
from workbench.server.lab import copy_notebooks, lab


def never(address: str, folder: Path) -> None:
    raise AssertionError(f"started at {address} on {folder}")


def test_notebooks_are_copied_once_and_what_was_changed_stays(tmp_path: Path) -> None:
    folder = copy_notebooks(tmp_path / "mine/notebooks")
    names = {path.name for path in packaged_notebooks().glob("*.ipynb")}
    assert {path.name for path in folder.iterdir()} == names
    changed, gone = sorted(folder.iterdir())[:2]
    changed.write_text("my own work")
    gone.unlink()
    copy_notebooks(folder)
    assert changed.read_text() == "my own work"
    assert gone.read_bytes() == (packaged_notebooks() / gone.name).read_bytes()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="--notebooks"):
        copy_notebooks(tmp_path / "file")


def test_without_a_gallery_or_with_a_short_token_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no gallery here"):
        lab(gallery=tmp_path / "none.duckdb", home=tmp_path, ready=never)
    (tmp_path / "town.duckdb").touch()
    with pytest.raises(SettingsError, match="token"):
        lab(gallery=tmp_path / "town.duckdb", home=tmp_path, token="short", ready=never)
    assert not (tmp_path / "notebooks").exists()


def test_notebooks_are_told_paths_that_hold_in_their_folder_and_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_DISTRICTS", "districts")
    monkeypatch.setenv("SIGHTLINE_TOKEN", "a-token-of-sixteen-and-more")
    monkeypatch.setattr(os, "environ", os.environ.copy())  # the command is a process of its own
    (tmp_path / "town.duckdb").touch()

    class Started(Exception):
        pass

    def start(**_: object) -> None:
        raise Started

    monkeypatch.setattr(LabApp, "initialize_server", start)
    with pytest.raises(Started):
        main(["lab", "--gallery", "town.duckdb", "--notebooks", "mine"])
    assert os.environ["SIGHTLINE_DISTRICTS"] == str(tmp_path / "districts")
    assert os.environ["SIGHTLINE_GALLERY"] == str(tmp_path / "town.duckdb")
    assert "SIGHTLINE_TOKEN" not in os.environ


def test_the_wheel_brings_a_kernel_for_the_launcher_and_the_template(
    shared_data: Callable[[Path], Path], tmp_path: Path
) -> None:
    jupyter = shared_data(tmp_path) / "jupyter"
    specs = KernelSpecManager(kernel_dirs=[str(jupyter / "kernels")], ensure_native_kernel=False)
    assert specs.get_kernel_spec("sightline").display_name == "Sightline"
    template = jupyter / "voila/templates/sightline"
    assert (template / "index.html.j2").is_file()
    assert "--sl-ink" in (template / "static/tokens.css").read_text()
