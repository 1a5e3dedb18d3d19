"""Small ONNX networks with their profiles, as a user would bring them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LICENCE = "CC0, made by the tests themselves"
SIZE, DIMENSION = 64, 48

PROFILE = """
name = "pooled"
file = "pooled.onnx"
sha256 = "{sha256}"
licence = "CC0, made by the tests   themselves"
source = "made here"
training = "nothing: its weights were drawn at random"
detector = "dlib"
alignment = "dlib-chip"
metric = "cosine"
dimension = 48

[input]
width = 64
height = 64
layout = "NCHW"
channels = "BGR"
mean = [127.5, 127.5, 127.5]
scale = 0.00784
"""


def write_network(folder: Path, change: Callable[[Any], None] | None = None) -> tuple[Path, Path]:
    """Write a network and its profile: colours of 8 by 8 cells, projected at random.

    *change* alters the ``ModelProto`` before it is written. Returns the paths of both.
    """
    folder.mkdir(parents=True, exist_ok=True)
    projection = np.random.default_rng(1).normal(size=(3 * 64, DIMENSION)).astype(np.float32)
    # Less the mean of the cells, so that templates differ by more than brightness.
    projection -= projection.mean(axis=0)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["picture"], ["cells"], kernel_shape=[8, 8],
                             strides=[8, 8]),
            helper.make_node("Flatten", ["cells"], ["flat"]),
            helper.make_node("MatMul", ["flat", "projection"], ["template"]),
        ],
        "pooled",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("template", TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(projection, "projection")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if change is not None:
        change(model)
    return write_content(folder, model.SerializeToString())


def write_content(folder: Path, content: bytes) -> tuple[Path, Path]:
    """Write a file of any content, and a profile with its checksum."""
    network, profile = folder / "pooled.onnx", folder / "pooled.toml"
    network.write_bytes(content)
    profile.write_text(PROFILE.format(sha256=hashlib.sha256(content).hexdigest()), "utf-8")
    return network, profile


def one_at_a_time(model: Any) -> None:
    """Fix the batch at one picture, as many exporters do."""
    for end in (model.graph.input[0], model.graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_value = 1


def four_at_a_time(model: Any) -> None:
    """Fix the batch at four pictures."""
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4


def ends_with(operator: str, *constants: Any, **about: Any) -> Callable[[Any], None]:
    """Change that passes the template through one more operator."""

    def change(model: Any) -> None:
        graph = model.graph
        graph.node[-1].output[0] = "before"
        names = []
        for number, values in enumerate(constants):
            names.append(f"constant{number}")
            graph.initializer.append(numpy_helper.from_array(np.asarray(values), names[-1]))
        graph.node.append(helper.make_node(operator, ["before", *names], ["template"], **about))
        if about.get("domain"):
            model.opset_import.append(helper.make_opsetid(about["domain"], 1))

    return change


def other_in_full_batches(model: Any) -> None:
    """Change templates where 32 pictures are looked at together, or more."""
    graph = model.graph
    graph.node[-1].output[0] = "before"
    constants = {"first": np.int64([0]), "most": np.float32([31])}
    graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in constants.items())
    graph.node.extend(
        [
            helper.make_node("Shape", ["picture"], ["sizes"]),
            helper.make_node("Gather", ["sizes", "first"], ["number"]),
            helper.make_node("Cast", ["number"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["count", "most"], ["more"]),
            helper.make_node("Relu", ["more"], ["too_many"]),
            helper.make_node("Add", ["before", "too_many"], ["template"]),
        ]
    )


def with_many_numbers(model: Any) -> None:
    """Repeat the template, so that those of a few faces fill a disk."""
    ends_with("Tile", np.int64([1, 10_000]))(model)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "many"


def with_weights_outside(model: Any) -> None:
    """Keep the weights in another file, above the folder."""
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def with_two_outputs(model: Any) -> None:
    """Give the cells beside the template."""
    model.graph.output.append(
        helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", 3, 8, 8])
    )


def with_a_loop(model: Any) -> None:
    """Repeat something for as long as a 64-bit number counts."""
    count = numpy_helper.from_array(np.array(2**62, np.int64), "count")
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Identity", ["value"], ["same"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, None),
        ],
    )
    model.graph.node[-1].output[0] = "before"
    model.graph.initializer.append(count)
    model.graph.node.append(
        helper.make_node("Loop", ["count", "", "before"], ["template"], body=body)
    )
    onnx.checker.check_model(model)
