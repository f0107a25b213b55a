"""What an ONNX file says of itself, read without the package onnx and compared with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from downpass.link.errors import InputError
from downpass.link.foreign.onnx_file import OnnxError, Port, parse_onnx, read_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import cosine_pair, model, node, save, value

MODELS = Path(__file__).parents[3] / "ground" / "decoders" / "models"


def identity(**changes: Any) -> Any:
    """A graph that gives what it takes."""
    given_: dict[str, Any] = {
        "inputs": [value("x", TensorProto.UINT8, [1, 3, "h", 16])],
        "outputs": [value("y", TensorProto.UINT8, [1, 3, "h", 16])],
    }
    return model([node("Identity", "x", "y")], **(given_ | changes))


def with_tensor(tensor: Any) -> Any:
    made = identity()
    made.graph.initializer.append(tensor)
    return made


def test_inputs_and_outputs_are_those_that_the_library_sees(tmp_path: Path) -> None:
    for path in (*cosine_pair(tmp_path), *MODELS.glob("fast/*.onnx")):
        found, expected = read_onnx(path), onnx.load(path).graph
        for ports, values in ((found.inputs, expected.input), (found.outputs, expected.output)):
            assert [port.name for port in ports] == [one.name for one in values]
            for port, one in zip(ports, values, strict=True):
                tensor = one.type.tensor_type
                assert np.dtype(port.kind) == helper.tensor_dtype_to_np_dtype(tensor.elem_type)
                assert port.shape == tuple(size.dim_value or None for size in tensor.shape.dim)


def test_an_output_whose_rank_is_not_known() -> None:
    made = identity(outputs=[value("y", TensorProto.UINT8, [1])])
    made.graph.output[0].type.tensor_type.ClearField("shape")
    assert parse_onnx(made.SerializeToString()).outputs == (Port("y", "uint8", None),)


def test_an_initialised_input_is_no_input() -> None:
    made = identity(
        inputs=[
            value("x", TensorProto.UINT8, [1, 3, "h", 16]),
            value("w", TensorProto.FLOAT, [2]),
        ],
        outputs=[value("y", TensorProto.UINT8, [1, 3, "h", 16])],
        constants={"w": np.zeros(2, np.float32)},
    )
    assert parse_onnx(made.SerializeToString()).inputs == (Port("x", "uint8", (1, 3, None, 16)),)


def external() -> Any:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def within(tensor: Any) -> Any:
    """A graph whose tensor is a constant within the branch of a condition."""
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["z"], value=tensor)],
        "branch",
        [],
        [value("z", TensorProto.FLOAT, [4])],
    )
    made = identity()
    made.graph.node.append(
        helper.make_node("If", ["c"], ["f"], then_branch=branch, else_branch=branch)
    )
    return made


def giant() -> Any:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.dims[:] = [1 << 40, 1 << 20]
    return tensor


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: with_tensor(external()), "values are in another file"),
        (lambda: within(external()), "values are in another file"),
        (lambda: with_tensor(giant()), r"1\.15e\+18 elements in \d+ bytes"),
        (lambda: within(giant()), r"1\.15e\+18 elements"),
        (
            lambda: identity(
                inputs=[value("x", TensorProto.STRING, [1])],
                outputs=[value("y", TensorProto.STRING, [1])],
            ),
            "found x of another type",
        ),
        (
            lambda: identity(outputs=[value("y", TensorProto.UINT8, [1] * 9)]),
            "found y of another type",
        ),
    ],
    ids=["external", "external within", "giant", "giant within", "text", "nine axes"],
)
def test_files_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, made: Any, message: str
) -> None:
    path = save(tmp_path / "bad.onnx", made())
    with pytest.raises(InputError, match=message) as refused:
        read_onnx(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_onnx(tmp_path / "missing.onnx")
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(InputError, match="no regular file"):
        read_onnx(tmp_path / "pipe.onnx")
    (tmp_path / "text.onnx").write_text("name: a scenario\n")
    with pytest.raises(InputError, match=r"text\.onnx: found"):
        read_onnx(tmp_path / "text.onnx")
    deep = b""
    for _ in range(200):
        deep = b"\x0a" + _length(b"\x2a" + _length(b"\x32" + _length(deep)))
    with pytest.raises(OnnxError, match="nested more than 32 deep"):
        parse_onnx(b"\x3a" + _length(deep))


def _length(data: bytes) -> bytes:
    count, out = len(data), b""
    while count > 127:
        out += bytes((count & 127 | 128,))
        count >>= 7
    return out + bytes((count,)) + data


@settings(max_examples=200)
@given(st.data())
def test_damaged_files_are_refused_or_read(data: st.DataObject) -> None:
    whole = bytearray(
        with_tensor(numpy_helper.from_array(np.zeros(4, np.float32), "w")).SerializeToString()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse_onnx(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except OnnxError as error:
        assert "\n" not in str(error)
    else:
        assert found.outputs
