"""Check of an ONNX file of unknown origin: one picture in, one template out, nothing else.

It comes before ONNX Runtime sees the file: no other file is named, no operator comes from
elsewhere, nothing is drawn at random or repeated for as long as the file likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ModelError

if TYPE_CHECKING:
    from workbench.faces.imported import ImportedProfile

LARGEST = 2**30  # bytes; the largest recogniser of DeepFace's table has 580 MB
MOST_NODES = 100_000
_STANDARD = {"", "ai.onnx"}
_RANDOM = {
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
}  # fmt: skip
_REPEATING = {"Loop", "Scan"}


def check(path: Path, own: ImportedProfile, *, where: str) -> None:
    """Check that a file is an ONNX network that fits its profile.

    Raises
    ------
    ModelError
        With *where*, if it is no ONNX network, is not whole in itself, or takes or gives something
        other than the profile states.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception:  # protobuf's own errors, which have no base in Python
        model = None
    if model is None or not model.ir_version or not model.graph.node or not model.opset_import:
        raise ModelError("is not an ONNX file", where=where, fix="Name the network's .onnx file")
    nodes = list(_nodes(model.graph))
    _check_operators(model, nodes, where)
    for tensor in _tensors(model, nodes):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"keeps weights in another file ({tensor.name[:60]!r})",
                where=where,
                fix="Save it as one file: onnx.save_model(onnx.load(FILE), NEW, "
                "save_as_external_data=False)",
            )
    _check_ends(model.graph, own, where)


def _check_operators(model: Any, nodes: list[Any], where: str) -> None:
    if len(nodes) > MOST_NODES:
        raise ModelError(
            f"has more than {MOST_NODES:,} nodes", where=where, fix="Simplify the network"
        )
    foreign = sorted({f"{n.domain}:{n.op_type}" for n in nodes if n.domain not in _STANDARD})
    if foreign or model.functions:
        named = ", ".join(foreign) or ", ".join(f.name for f in model.functions)
        raise ModelError(
            f"has operators of its own ({named[:120]})",
            where=where,
            fix="Export the network with the operators of ONNX alone",
        )
    kinds = {node.op_type for node in nodes}
    for which, what, fix in (
        (_RANDOM, "draws at random", "Export the network for inference"),
        (_REPEATING, "repeats parts of itself", "Export the network without loops"),
    ):
        if kinds & which:
            raise ModelError(
                f"{what} (operator {', '.join(sorted(kinds & which))})", where=where, fix=fix
            )


def _check_ends(graph: Any, own: ImportedProfile, where: str) -> None:
    import onnx

    weights = {tensor.name for tensor in graph.initializer}
    taken = [entry for entry in graph.input if entry.name not in weights]
    for ends, what in ((taken, "input"), (graph.output, "output")):
        if len(ends) != 1:
            raise ModelError(
                f"has {len(ends)} {what}s, not one",
                where=where,
                fix="Export the network with one picture in and one template out",
            )
        if ends[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            raise ModelError(
                f"its {what} is not of 32-bit floating-point numbers",
                where=where,
                fix="Export the network in float32",
            )
    height, width = own.input_size
    wanted = (3, height, width) if own.pixels.layout == "NCHW" else (height, width, 3)
    shape = _shape(taken[0])
    # Without a number a size is free; the first is that of the batch: free, or one picture.
    if (
        len(shape) != 4
        or shape[0] not in (None, 1)
        or any(has not in (None, wants) for has, wants in zip(shape[1:], wanted, strict=True))
    ):
        raise ModelError(
            f"takes input of the shape {_words(shape)}, and the profile states "
            f"(n, {', '.join(map(str, wanted))})",
            where=where,
            fix="Correct layout, width and height under [input]; the batch must be free or 1",
        )
    given = [size for size in _shape(graph.output[0])[1:] if size not in (None, 1)]
    if given and given != [own.dimension] and None not in _shape(graph.output[0])[1:]:
        raise ModelError(
            f"gives templates of the shape {_words(_shape(graph.output[0]))}, and the profile "
            f"states {own.dimension} numbers",
            where=where,
            fix="Correct dimension, or export the network with its template as output",
        )


def _shape(value: Any) -> list[int | None]:
    return [
        size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None
        for size in value.type.tensor_type.shape.dim
    ]


def _words(shape: list[int | None]) -> str:
    return f"({', '.join('n' if size is None else str(size) for size in shape)})"


def _nodes(graph: Any) -> Iterator[Any]:
    """Nodes of a graph and of those inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(inner)


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _graphs(inner)


def _tensors(model: Any, nodes: list[Any]) -> Iterator[Any]:
    """Every tensor of a model: of its graphs, and of the attributes of their nodes."""
    for graph in _graphs(model.graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
