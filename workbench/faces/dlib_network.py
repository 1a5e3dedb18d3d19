"""Dlib's recognition network in ONNX Runtime: the same weights, a tenth of the time.

The network is converted once from dlib's own file and kept beside it. What it gives is dlib's to
1e-5 of a number: that is tested against dlib when it is converted, and against what dlib gave then
each time it is loaded. So templates, profiles and galleries do not know which of the two made them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from workbench.errors import ModelError, unwritten
from workbench.faces import dlib_file
from workbench.faces.weights import folder, landing_file
from workbench.footage.files import sha256_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

DLIB_FILE = "dlib_face_recognition_resnet_model_v1.dat"
ONNX_FILE = "dlib_face_recognition_resnet_model_v1.onnx"
TOLERANCE = 1e-5
"""Largest difference of a number of a template from what dlib gives; they are about 0.1."""

# Another one when the conversion changes, so that what was converted before is converted again.
_CONVERSION = "1"

T = TypeVar("T")


def place(home: Path) -> Path:
    """Convert the network of the model home *home*, unless that was done before.

    Returns
    -------
    Path
        Of the converted file; what is known of it stands beside it.

    Raises
    ------
    ModelError
        If dlib's file is not its recognition network, the result is not dlib's, or it cannot be
        written.
    """
    source, target = folder(home) / DLIB_FILE, folder(home) / ONNX_FILE
    digest = sha256_of(source)
    known = _known(target)
    if (
        known is not None
        and (known.source, known.conversion) == (digest, _CONVERSION)
        and target.is_file()
        and sha256_of(target) == known.sha256
    ):
        return target
    import onnxruntime

    reference = _by_dlib(source)
    content = convert(dlib_file.read_network(source)).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    _compare(session, reference)
    about = _Known(hashlib.sha256(content).hexdigest(), digest, _CONVERSION, reference.tolist())
    try:
        for path, data in ((target, content), (_beside(target), json.dumps(asdict(about)))):
            with landing_file(path.parent) as unfinished:
                unfinished.write_bytes(data if isinstance(data, bytes) else data.encode())
                unfinished.chmod(0o644)
                unfinished.replace(path)
    except OSError as error:
        advice = "Make the model home writable for the first use of this profile"
        what, fix = unwritten(error, fix=advice)
        raise ModelError(what, where=str(target), fix=fix) from None
    return target


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands beside a converted network."""

    sha256: str  # of the converted file
    source: str  # SHA-256 of dlib's
    conversion: str
    dlib_output: list[list[float]]  # for the chips of the self-test


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _known(target: Path) -> _Known | None:
    """What stands beside *target*; None where that is not there or not whole: it is made again."""
    try:
        return _Known(**json.loads(_beside(target).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def convert(layers: list[dlib_file.Layer]) -> Any:
    """Write a network as an ONNX model.

    Affine layers, the mean of the input and its scale are folded into the convolutions. The model
    takes ``chips`` ``(n, size, size, 3) uint8`` in BGR and gives ``template`` ``(n, dimension)
    float32``.

    Parameters
    ----------
    layers : list of Layer
        As :func:`workbench.faces.dlib_file.read_network` reads them.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ModelError
        If the layers do not follow each other as in dlib's network.
    """
    try:
        return _Conversion(layers).model()
    except (TypeError, IndexError, ValueError) as error:
        raise ModelError(
            f"its layers are not those of dlib's network ({error})",
            where=DLIB_FILE,
            fix="Install Sightline's requirements again",
        ) from None


class _Flow(NamedTuple):
    """What passes between two layers."""

    name: str
    size: int  # pixels each way
    channels: int


class _Conversion:
    """Nodes of the model, added one after another."""

    def __init__(self, layers: list[dlib_file.Layer]) -> None:
        import onnx

        self._onnx, self._layers, self._at = onnx, layers, 0
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._input = self._next(dlib_file.Input)

    def model(self) -> Any:
        helper, kind = self._onnx.helper, self._onnx.TensorProto
        size = self._input.size
        pixels = self._node("Cast", "chips", name="as_float", to=kind.FLOAT)
        pixels = self._node("Transpose", pixels, name="channels_first", perm=[0, 3, 1, 2])
        flow = self._relu(self._convolution(_Flow(pixels, size, 3), "stem", whole=True))
        flow = self._pool(flow, "stem_pool")
        block = 0
        while isinstance(self._layers[self._at], dlib_file.Convolution):
            block += 1
            flow = self._block(flow, f"block{block}")
        if self._next(dlib_file.Pool).size:
            raise ValueError("the last pool is not of the whole picture")
        flat = self._node("GlobalAveragePool", flow.name, name="mean")
        flat = self._node("Flatten", flat, name="flat")
        linear = self._next(dlib_file.Linear).weights
        weights = self._constant("linear_weights", linear)
        self._node("MatMul", flat, weights, name="linear", output="template")
        if self._at != len(self._layers):
            raise ValueError(f"{len(self._layers) - self._at} layers too many")
        graph = helper.make_graph(
            self._nodes,
            "dlib_recognition",
            [helper.make_tensor_value_info("chips", kind.UINT8, ["n", size, size, 3])],
            [helper.make_tensor_value_info("template", kind.FLOAT, ["n", linear.shape[1]])],
            self._weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        self._onnx.checker.check_model(model)
        return model

    def _block(self, start: _Flow, name: str) -> _Flow:
        """Two convolutions, to which what came in is added, pooled if they halve the picture."""
        flow = self._relu(self._convolution(start, f"{name}_first"))
        flow = self._convolution(flow, f"{name}_second")
        if isinstance(self._layers[self._at], dlib_file.Pool):
            start = self._pool(start, f"{name}_pool")
            # dlib adds tensors of two sizes as if what one lacks were zero.
            size, channels = max(flow.size, start.size), max(flow.channels, start.channels)
            flow, start = (self._pad(one, size, channels) for one in (flow, start))
        self._next(dlib_file.Add)
        added = self._node("Add", flow.name, start.name, name=f"{name}_sum")
        return self._relu(flow._replace(name=added))

    def _convolution(self, flow: _Flow, name: str, *, whole: bool = False) -> _Flow:
        """Add a convolution with its affine layer, and the input's mean and scale if *whole*."""
        layer, affine = self._next(dlib_file.Convolution), self._next(dlib_file.Affine)
        weights, bias = layer.weights.astype(np.float64), layer.bias.astype(np.float64)
        if whole:
            mean = np.array(self._input.mean)
            bias -= (weights * mean[:, None, None]).sum((1, 2, 3)) / 256
            weights = weights[:, ::-1] / 256  # chips are BGR
        weights = weights * affine.factor[:, None, None, None]
        bias = bias * affine.factor + affine.addend
        side = weights.shape[2]
        self._node(
            "Conv",
            flow.name,
            self._constant(f"{name}_weights", weights),
            self._constant(f"{name}_bias", bias),
            name=name,
            kernel_shape=[side, side],
            strides=[layer.stride] * 2,
            pads=[layer.padding] * 4,
        )
        return _Flow(name, (flow.size + 2 * layer.padding - side) // layer.stride + 1, len(weights))

    def _relu(self, flow: _Flow) -> _Flow:
        self._next(dlib_file.Relu)
        return flow._replace(name=self._node("Relu", flow.name, name=f"{flow.name}_relu"))

    def _pool(self, flow: _Flow, name: str) -> _Flow:
        pool = self._next(dlib_file.Pool)
        kind = "MaxPool" if pool.kind == "max" else "AveragePool"
        self._node(
            kind,
            flow.name,
            name=name,
            kernel_shape=[pool.size] * 2,
            strides=[pool.stride] * 2,
        )
        return _Flow(name, (flow.size - pool.size) // pool.stride + 1, flow.channels)

    def _pad(self, flow: _Flow, size: int, channels: int) -> _Flow:
        more, further = size - flow.size, channels - flow.channels
        if not more and not further:
            return flow
        ends = np.array([0, 0, 0, 0, 0, further, more, more], np.int64)
        weights = self._constant(f"{flow.name}_ends", ends)
        name = self._node("Pad", flow.name, weights, name=f"{flow.name}_pad")
        return _Flow(name, size, channels)

    def _next(self, kind: type[T]) -> T:
        layer = self._layers[self._at]
        if not isinstance(layer, kind):
            raise TypeError(f"layer {self._at} is {type(layer).__name__}, not {kind.__name__}")
        self._at += 1
        return layer

    def _node(self, operator: str, *inputs: str, name: str, output: str = "", **about: Any) -> str:
        made = self._onnx.helper.make_node(operator, inputs, [output or name], name=name, **about)
        self._nodes.append(made)
        return output or name

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        made = self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        self._weights.append(made)
        return name


def _chips() -> NDArray[np.uint8]:
    """Chips of the self-test ``(4, 150, 150, 3)``: noise from coarse to fine, in all channels."""
    random = np.random.default_rng(0)
    chips = [
        np.kron(random.integers(0, 256, (150 // side, 150 // side, 3)), np.ones((side, side, 1)))
        for side in (1, 5, 15, 30)
    ]
    return np.array(chips, np.uint8)


def _by_dlib(source: Path) -> NDArray[np.float32]:
    import dlib

    network = dlib.face_recognition_model_v1(str(source))
    chips = [np.ascontiguousarray(chip[..., ::-1]) for chip in _chips()]
    return np.array(network.compute_face_descriptor(chips), np.float32)


def check(session: Any, home: Path) -> None:
    """Compare what a loaded network gives with what dlib gave; raise ModelError if they differ."""
    known = _known(folder(home) / ONNX_FILE)
    _compare(session, np.array(known.dlib_output if known else [], np.float32))


def _compare(session: Any, reference: NDArray[np.float32]) -> None:
    (found,) = session.run(None, {"chips": _chips()})
    apart = float(np.abs(found - reference).max()) if found.shape == reference.shape else np.inf
    if not apart <= TOLERANCE:  # written so that NaN fails too
        raise ModelError(
            f"ONNX Runtime does not give what dlib gives: numbers differ by {apart:.1g}, by more "
            f"than {TOLERANCE:g}",
            where=ONNX_FILE,
            fix="On a machine with a graphics card, set DEEPFACE_ONNX_PROVIDERS=cpu; else report "
            "it to the authors of Sightline with the processor's name",
        )
