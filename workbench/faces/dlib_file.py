"""Read the recognition network that dlib serialised: its layers, in order from input to output.

The format is that of dlib's ``serialize`` for ``anet_type`` of its face recognition example: a
version for each layer from the output inwards, then what each layer holds from the input outwards.
Integers carry their own length and sign, floats are a mantissa and a power of two, tensors are
little-endian float32. Everything is read in order, and nothing may be left over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More is no tensor of this network, but a length that was misread.
_MOST_NUMBERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Input:
    """Square colour pictures, from which a mean is taken before division by 256."""

    mean: tuple[float, float, float]  # of red, green, blue
    size: int  # pixels


@dataclass(frozen=True, slots=True)
class Convolution:
    """Convolution with a bias, the affine layer behind it not included."""

    weights: NDArray[np.float32] = field(repr=False)  # (filters, channels, rows, columns)
    bias: NDArray[np.float32] = field(repr=False)  # (filters,)
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Affine:
    """Factor and addend of each channel: batch normalisation after training."""

    factor: NDArray[np.float32] = field(repr=False)  # (channels,)
    addend: NDArray[np.float32] = field(repr=False)  # (channels,)


@dataclass(frozen=True, slots=True)
class Pool:
    """Largest value or mean of a square; of the whole picture where ``size`` is 0."""

    kind: str  # "max" or "mean"
    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class Relu:
    """Negative values become zero."""


@dataclass(frozen=True, slots=True)
class Add:
    """The input of the residual block is added, pooled where a pool stands before this layer."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Matrix product, without a bias."""

    weights: NDArray[np.float32] = field(repr=False)  # (inputs, outputs)


Layer = Input | Convolution | Affine | Pool | Relu | Add | Linear


def read_network(path: Path) -> list[Layer]:
    """Read the layers of a network in the order in which a picture passes through them.

    Raises
    ------
    ModelError
        If the file cannot be read, or is not the serialised network that is expected.
    """
    try:
        return _Stream(path.read_bytes()).network()
    except OSError as error:
        problem = str(error.strerror)
    except (ValueError, IndexError, OverflowError) as error:
        problem = f"not dlib's recognition network: {error}"
    raise ModelError(
        f"cannot be read ({problem})", where=str(path), fix="Install Sightline's requirements again"
    )


class _Stream:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def network(self) -> list[Layer]:
        self._expect(self._integer(), 1, "version")
        self._expect(self._text(), "loss_metric_2", "loss")
        self._float(), self._float()  # margin and threshold, of training alone
        # Versions: 2 of a layer, 1 of a tag or skip, 3 of the layer on the input, which is last.
        while (version := self._integer()) != 3:
            if version not in (1, 2):
                raise ValueError(f"a layer of version {version}")
        self._expect(self._text(), "input_rgb_image_sized", "input")
        mean = self._float(), self._float(), self._float()
        rows, columns = self._integer(), self._integer()
        self._expect(rows, columns, "input size")
        layers: list[Layer] = [Input(mean, rows), self._layer()]
        self._expect(self._integer(), 1, "sample expansion")
        while self._at < len(self._data):
            layers.append(self._layer())
        return layers

    def _layer(self) -> Layer:
        layer = self._details(self._text())
        # Flags and tensors of a training that may go on: three of each, the tensors empty.
        for _ in range(3):
            if self._take(1) not in (b"0", b"1"):
                raise ValueError(f"no flag at byte {self._at}")
        for _ in range(3):
            self._tensor()
        return layer

    def _details(self, kind: str) -> Layer:
        if kind == "con_4":
            parameters = self._tensor()
            filters, rows, columns, stride, stride_x, pad, pad_x = self._integers(7)
            self._expect((rows, stride, pad), (columns, stride_x, pad_x), "square kernel")
            shape, _ = self._alias(), self._alias()
            self._rates()
            self._expect((shape[0], shape[2]), (filters, rows), "kernel")
            count = math.prod(shape)
            self._expect(len(parameters), count + filters, "number of weights")
            weights = parameters[:count].reshape(shape)
            return Convolution(weights, parameters[count:], stride, pad)
        if kind == "affine_":
            parameters = self._tensor()
            factor, addend = math.prod(self._alias()), math.prod(self._alias())
            self._integer()  # behind a convolution or a matrix
            self._expect(len(parameters), factor + addend, "number of weights")
            return Affine(parameters[:factor], parameters[factor:])
        if kind in ("max_pool_2", "avg_pool_2"):
            rows, columns, stride, stride_x, *padding = self._integers(6)
            self._expect((rows, stride, padding), (columns, stride_x, [0, 0]), "square pool")
            return Pool("max" if kind.startswith("max") else "mean", rows, stride)
        if kind == "relu_":
            return Relu()
        if kind == "add_prev_":
            return Add()
        if kind == "fc_2":
            outputs, inputs = self._integers(2)
            parameters = self._tensor()
            self._alias(), self._alias()
            self._expect(self._integer(), 1, "linear layer without a bias")
            self._rates()
            self._expect(len(parameters), inputs * outputs, "number of weights")
            return Linear(parameters.reshape(inputs, outputs))
        raise ValueError(f"a layer {kind[:40]!r}")

    def _rates(self) -> None:
        for _ in range(4):  # of learning and of decay, for weights and biases
            self._float()

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise ValueError("it ends too soon")
        self._at += count
        return self._data[self._at - count : self._at]

    def _integer(self) -> int:
        head = self._take(1)[0]  # the number of bytes, and the sign
        if head & 0b0111_0000 or not head & 15:
            raise ValueError(f"no number at byte {self._at}")
        value = int.from_bytes(self._take(head & 15), "little")
        return -value if head & 128 else value

    def _integers(self, count: int) -> list[int]:
        return [self._integer() for _ in range(count)]

    def _text(self) -> str:
        return self._take(self._integer()).decode("ascii")

    def _float(self) -> float:
        return math.ldexp(self._integer(), self._integer())

    def _tensor(self) -> NDArray[np.float32]:
        self._expect(self._integer(), 2, "tensor")
        count = math.prod(self._integers(4))
        if not 0 <= count <= _MOST_NUMBERS:
            raise ValueError(f"a tensor of {count} numbers")
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def _alias(self) -> list[int]:
        self._expect(self._integer(), 1, "part of a tensor")
        return self._integers(4)

    def _expect(self, found: object, wanted: object, what: str) -> None:
        if found != wanted:
            raise ValueError(f"{what}: {found!r}, not {wanted!r}, at byte {self._at}")
