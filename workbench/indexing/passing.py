"""Values of the domain as bytes and back, to pass between processes without pickling them.

A message is the length of its head, the head as JSON, and the buffers it refers to, one after
another: pictures and templates as they lie in memory. Both ends are of one version of Sightline,
which :func:`code` proves, so fields go without their names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import types
import typing
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from workbench import domain, errors
from workbench.errors import SightlineError

T = TypeVar("T")
_LENGTH = struct.Struct("<Q")
# What modules of the domain import for their annotations alone.
_NAMES = {"Box": domain.Box, "Quality": domain.Quality, "Vector": np.ndarray}


def pack(value: object) -> bytes:
    """Write a value: of the domain, a SightlineError, or what JSON has; in tuples, if several."""
    buffers: list[bytes] = []
    head = json.dumps(_plain(value, buffers))
    sizes = json.dumps([len(buffer) for buffer in buffers])
    whole = f"[{sizes},{head}]".encode()
    return b"".join([_LENGTH.pack(len(whole)), whole, *buffers])


def unpack(cls: type[T], message: bytes) -> T:
    """Read a value of type *cls* that :func:`pack` wrote."""
    (length,) = _LENGTH.unpack_from(message)
    sizes, head = json.loads(message[_LENGTH.size : _LENGTH.size + length])
    buffers, begin = [], _LENGTH.size + length
    for size in sizes:
        buffers.append(message[begin : begin + size])
        begin += size
    read: _Reader = _reader(cast("Any", cls))
    return cast("T", read(head, buffers))


@cache
def code() -> str:
    """SHA-256 of this version of Sightline: of all its Python files, and their names."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _plain(value: Any, buffers: list[bytes]) -> Any:
    """What JSON can say of a value; its bytes go to *buffers*."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        buffers.append(value)
        return len(buffers) - 1
    if isinstance(value, np.ndarray):
        buffers.append(np.ascontiguousarray(value, np.float32).tobytes())
        return len(buffers) - 1
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path | Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item, buffers) for item in value]
    if isinstance(value, SightlineError):
        return [type(value).__name__, value.what, value.where, value.fix]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [_plain(getattr(value, field.name), buffers) for field in fields]
    raise TypeError(f"{type(value).__name__} is not passed between processes")


_Reader = Callable[[Any, list[bytes]], Any]


@cache
def _reader(kind: Any) -> _Reader:
    """Function that makes a value of a type of what JSON says of it, and of buffers."""
    if kind in (str, int, bool) or get_origin(kind) is Literal:
        return lambda plain, _: plain
    if kind is float:
        return lambda plain, _: float(plain)
    if kind is bytes:
        return lambda plain, buffers: buffers[plain]
    if kind is np.ndarray:
        return lambda plain, buffers: np.frombuffer(buffers[plain], np.float32)
    if kind is datetime:
        return lambda plain, _: datetime.fromisoformat(plain)
    if kind in (Path, Fraction):
        return lambda plain, _: kind(plain)
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = (_reader(one) for one in get_args(kind) if one is not type(None))
        return lambda plain, buffers: None if plain is None else inner(plain, buffers)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if issubclass(kind, SightlineError):
        return _error
    if issubclass(kind, tuple):  # a named one
        inside = _tuple_reader(tuple(typing.get_type_hints(kind).values()))
        return lambda plain, buffers: kind(*inside(plain, buffers))
    hints = typing.get_type_hints(kind, localns=_NAMES)
    inside = _tuple_reader(tuple(hints[field.name] for field in dataclasses.fields(kind)))
    return lambda plain, buffers: kind(*inside(plain, buffers))


def _tuple_reader(kinds: tuple[Any, ...]) -> _Reader:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        each = _reader(kinds[0])
        return lambda plain, buffers: tuple(each(item, buffers) for item in plain)
    readers = [_reader(kind) for kind in kinds]
    return lambda plain, buffers: tuple(
        read(item, buffers) for read, item in zip(readers, plain, strict=True)
    )


def _error(plain: list[str], _: list[bytes]) -> SightlineError:
    name, what, where, fix = plain
    kind = getattr(errors, name, SightlineError)
    assert issubclass(kind, SightlineError)
    return kind(what, where=where, fix=fix)
