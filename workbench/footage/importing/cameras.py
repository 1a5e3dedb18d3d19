"""Cameras of recordings by their names, their folders, and a list of the cameras there are."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from workbench.domain import Camera
from workbench.footage.importing.survey import Found

# Folders that name no camera.
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:[-_. ]?[0-9]{2}(?:[-_. ]?[0-9]{2})?)?")
_RUN = re.compile(r"[0-9]+")
_PART_OF_DATE = re.compile(r"[0-9]{1,2}")
_GENERIC = frozenset({
    "clips", "dav", "dcim", "export", "exports", "files", "footage", "images", "jpg", "media",
    "mp4", "pic", "pictures", "rec", "record", "recording", "recordings", "records", "snapshots",
    "video", "videos",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChosenCamera:
    """The camera of a recording, as far as it is told.

    Parameters
    ----------
    camera_id : str
        Empty where nothing tells it.
    told_by : str
        ``name``, ``folder`` or ``given``; empty where nothing does.
    lacks : str
        Why it cannot be told, as a phrase.
    """

    camera_id: str = ""
    told_by: str = ""
    lacks: str = ""


def cameras_of(
    recordings: Sequence[Found], known: Mapping[str, Camera], given: str
) -> dict[str, ChosenCamera]:
    """Choose a camera for each file.

    Parameters
    ----------
    recordings : sequence of Found
    known : mapping of str to Camera
        The cameras there are, by id; names and folders are looked for among their ids and names.
    given : str
        Camera of those for which neither name nor folder tells one.
    """
    folders = {one.file: _folders(one.file) for one in recordings}
    by_name = {one.file: _name_says(one) for one in recordings}
    folders_of: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for file, name in by_name.items():
        folders_of[name].add(folders[file])
    innermost: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for path in folders.values():
        innermost["".join(path[-1:])].add(path)
    keys = _keys(known.values())
    chosen = {}
    for one in recordings:
        name, path = by_name[one.file], folders[one.file]
        # Channel 1 in the folders of two recorders: two cameras.
        shared = bool(name and path) and len(folders_of[name]) > 1
        own = f"{path[-1]} {name}" if shared else name
        listed = _in_list([own] if shared else [own, *_bare(one)], keys)
        folder_listed = _in_list([" ".join(path), *reversed(path)], keys)
        if listed and folder_listed and listed != folder_listed:
            words = f"its name says camera {listed}, its folder camera {folder_listed}"
            chosen[one.file] = ChosenCamera(lacks=words)
        elif listed:
            chosen[one.file] = ChosenCamera(listed, "name")
        elif folder_listed:
            chosen[one.file] = ChosenCamera(folder_listed, "folder")
        elif own:
            chosen[one.file] = ChosenCamera(own, "name")
        elif path:
            several = len(innermost[path[-1]]) > 1
            chosen[one.file] = ChosenCamera(" ".join(path) if several else path[-1], "folder")
        elif given:
            chosen[one.file] = ChosenCamera(_in_list([given], keys) or given, "given")
        else:
            chosen[one.file] = ChosenCamera(lacks="neither name nor folder says its camera")
    return _without_mixtures(recordings, by_name, chosen)


def _without_mixtures(
    recordings: Sequence[Found], by_name: Mapping[str, str], chosen: Mapping[str, ChosenCamera]
) -> dict[str, ChosenCamera]:
    """The cameras, but for folders taken for one camera in which names differ as of several."""
    names: dict[str, set[str]] = defaultdict(set)
    numbers: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for one in recordings:
        camera = chosen[one.file]
        if camera.told_by == "folder":
            names[camera.camera_id].add(by_name[one.file])
            if not one.is_sequence:
                numbers[camera.camera_id][_other_numbers(one)] += 1
    made = {}
    for file, camera in chosen.items():
        words = ""
        if camera.told_by == "folder":
            several = sorted(filter(None, names[camera.camera_id]))
            counts = numbers[camera.camera_id]
            if len(several) > 1:
                words = f"names say several cameras: {', '.join(several[:3])}"
            # Numbers that count recordings come once each; those of channels come again.
            elif len(counts) > 1 and max(counts.values()) > 1:
                both = sorted(" ".join(one) or "none" for one in counts)[:2]
                words = f"names differ in numbers, such as {both[0]} and {both[1]}"
        if words:
            words = (
                f"its folder says camera {camera.camera_id}, but {words}. Give the form of the "
                "names, or a folder to each camera"
            )
            camera = ChosenCamera(lacks=words)
        made[file] = camera
    return made


def _other_numbers(found: Found) -> tuple[str, ...]:
    """Short numbers in a name that are not part of its times: perhaps those of a channel."""
    named = found.named
    if named is None or named.pattern.startswith("own pattern"):
        return ()
    runs = [run for run in _RUN.findall(PurePosixPath(found.file).stem) if len(run) <= 3]
    for moment in (named.started_at, named.ended_at):
        if moment is None:
            continue
        offset = moment.utcoffset() or timedelta()
        values = [moment.year % 100, moment.month, moment.day, moment.hour, moment.minute]
        values += [moment.second, *divmod(abs(offset) // timedelta(minutes=1), 60)]
        for value in values:
            _take(runs, f"{value:02}", str(value))
        _take(runs, f"{moment.microsecond // 1000:03}")
        _take(runs, f"{moment:%I}", f"{moment:%I}".lstrip("0"))
    return tuple(runs)


def _take(runs: list[str], *forms: str) -> None:
    """Take one of these from the runs of digits, if it is there."""
    for form in forms:
        if form in runs:
            runs.remove(form)
            return


def _name_says(found: Found) -> str:
    named = found.named
    if named is None:
        return ""
    channel = f"channel {named.channel}" if named.channel else ""
    return " ".join(filter(None, (named.camera, channel)))


def _bare(found: Found) -> list[str]:
    """Further ways in which a list may call the camera of a name."""
    named = found.named
    if named is None:
        return []
    if named.camera and named.channel:  # the recorder's name alone is not its camera's
        return [f"{named.camera}{named.channel}"]
    return [text for text in (named.camera, named.channel) if text]


def _folders(file: str) -> tuple[str, ...]:
    """The folders above a file that may name its camera."""
    kept: list[str] = []
    dated = False
    for name in PurePosixPath(file).parts[:-1]:
        if _DATE.fullmatch(name) or (dated and _PART_OF_DATE.fullmatch(name)):
            dated = True
        elif name.lower() not in _GENERIC:
            kept.append(name)
    return tuple(kept)


def _keys(cameras: Iterable[Camera]) -> dict[str, set[str]]:
    """Ids by what people may call a camera."""
    keys: dict[str, set[str]] = defaultdict(set)
    for camera in cameras:
        for text in (camera.camera_id, camera.name):
            keys[_key(text)].add(camera.camera_id)
    return keys


def _key(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _in_list(texts: Iterable[str], keys: Mapping[str, set[str]]) -> str:
    """The id of the one camera that is called one of these, tried in turn; empty if none is."""
    for text in texts:
        found = keys.get(_key(text), set()) if _key(text) else set()
        if len(found) == 1:
            return next(iter(found))
    return ""
