"""Codecs of two ONNX graphs: what fits, what comes back, and graphs that are hostile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.link.foreign.limits import ForeignError
from downpass.link.foreign.onnx_codec import OnnxCodec
from downpass.link.foreign.quality_scale import QualityScale
from downpass.link.foreign.tensor_stream import pack_tensors, unpack_tensors
from onnx import TensorProto
from onnx_graphs import cosine_pair, model, node, save, value

ROWS, COLUMNS = np.mgrid[0:37, 0:50]
TILE = np.stack(
    [128 + 60 * np.sin(ROWS / (7 + band)) + 50 * np.cos(COLUMNS / 5) for band in range(3)], axis=2
).astype(np.uint8)

Make = Callable[..., OnnxCodec]


@pytest.fixture
def codec(tmp_path: Path) -> Iterator[Make]:
    """Makes codecs of two graphs, and ends their processes."""
    made: list[OnnxCodec] = []

    def make(encoder: Any = None, decoder: Any = None, **changes: Any) -> OnnxCodec:
        paths = list(cosine_pair(tmp_path))
        for number, graph in enumerate((encoder, decoder)):
            if graph is not None:
                save(paths[number], graph)
        made.append(OnnxCodec(*paths, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def psnr(found: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((found.astype(float) - TILE) ** 2) / 255**2))


def test_a_pair_of_graphs_encodes_and_decodes(codec: Make) -> None:
    pair = codec(multiple=8)
    sizes, levels = [], []
    for step in (20, 60, 100):
        stream = pair.encode(TILE, 8, step)
        found = pair.decode(stream, TILE.shape, 8)
        assert (found.shape, found.dtype) == (TILE.shape, np.uint8)
        sizes.append(len(stream))
        levels.append(psnr(found))
    assert sizes == sorted(sizes)
    # The transform is orthonormal, so the error is that of the quantiser: a step of exp(-6 q).
    for step, level in zip((60, 100), levels[1:], strict=True):
        bound = 10 * np.log10(12 * np.exp(12 * step / 100))
        assert level > bound - 0.5
    # What is carried is the quality and the tensors, and nothing else.
    assert np.frombuffer(stream[:4], "<f4")[0] == 1
    (latents,) = unpack_tensors(stream[4:], 10**5)
    assert (latents.shape, latents.dtype) == ((1, 192, 5, 7), np.int16)
    assert stream[4:] == pack_tensors([latents])


def test_tiles_of_more_bits_keep_them(codec: Make) -> None:
    pair = codec(multiple=8)
    deep = TILE.astype(np.uint16) * 16 + 5
    found = pair.decode(pair.encode(deep, 12, 100), deep.shape, 12)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - deep).max() < 40


def test_a_codec_without_quality_has_one_step(tmp_path: Path) -> None:
    paths = cosine_pair(tmp_path, quality=False)
    pair = OnnxCodec(*paths, multiple=8, scale=QualityScale((1, 9)))
    assert pair.scale.steps == 1
    stream = pair.encode(TILE, 8, 0)
    assert unpack_tensors(stream, 10**5)[0].shape == (1, 192, 5, 7)
    assert psnr(pair.decode(stream, TILE.shape, 8)) > 45
    pair.close()


def plain(kind: int, shape: list[Any], operator: str = "Identity", **attributes: Any) -> Any:
    """A graph of one node from x to y."""
    return model(
        [node(operator, "x", "y", **attributes)],
        [value("x", kind, shape)],
        [value("y", kind, shape)],
    )


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT32, TensorProto.FLOAT])
def test_layouts_types_and_fixed_sizes(codec: Make, layout: str, kind: int) -> None:
    shape = [1, 3, 48, 64] if layout == "nchw" else [1, 48, 64, 3]
    pair = codec(plain(kind, shape), plain(kind, shape), layout=layout)
    stream = pair.encode(TILE, 8, 0)
    (carried,) = unpack_tensors(stream, 10**5)
    assert list(carried.shape) == shape
    assert np.array_equal(pair.decode(stream, TILE.shape, 8), TILE)
    assert pair.refusal(48, 64, 3) == ""
    assert (
        pair.refusal(49, 64, 3) == "encoder.onnx takes tiles of up to 48 pixels, and tiles have 49"
    )
    assert pair.refusal(48, 64, 4) == "encoder.onnx takes 3 bands, and frames have 4"


def test_identities_are_those_of_files_and_shape(codec: Make) -> None:
    first, same = codec(multiple=8), codec(multiple=8)
    assert (first.identity, first.decoder_identity) == (same.identity, same.decoder_identity)
    other = codec(multiple=16)
    assert other.identity != first.identity
    assert other.fingerprint == first.fingerprint != bytes(8)


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        (plain(TensorProto.INT64, [1, 3, None, None]), None, "found input x of int64"),
        (plain(TensorProto.FLOAT, [3, None, None]), None, "with 3 dimensions"),
        (plain(TensorProto.FLOAT, [2, 3, None, None]), None, "found batches of 2 tiles"),
        (None, plain(TensorProto.FLOAT, [1, 3, None, None]), "found inputs of x float32"),
        (
            model(
                [node("Add", "a b", "y")],
                [value(name, TensorProto.FLOAT, [1, 3, None, None]) for name in "ab"],
                [value("y", TensorProto.FLOAT, [1, 3, None, None])],
            ),
            None,
            "found 2 inputs; allowed: one for the tile and one called quality",
        ),
        (
            model(
                [node("Add", "x quality", "latents")],
                [
                    value("x", TensorProto.FLOAT, [1, 3, None, None]),
                    value("quality", TensorProto.FLOAT, [3]),
                ],
                [value("latents", TensorProto.FLOAT, [1, 3, None, None])],
            ),
            None,
            "found inputs of latents int16",
        ),
        (
            model(
                [node("Identity", "x", "latents"), node("Identity", "quality", "unused")],
                [
                    value("x", TensorProto.INT32, [1, 3, None, None]),
                    value("quality", TensorProto.UINT8, []),
                ],
                [value("latents", TensorProto.INT32, [1, 3, None, None])],
            ),
            plain(TensorProto.INT32, [1, 3, None, None]),
            r"found quality of uint8, and qualities from 0.00 to 1.00; allowed: with qualities in",
        ),
    ],
    ids=["type", "rank", "batch", "no match", "two inputs", "kinds", "whole quality"],
)
def test_graphs_that_do_not_fit_are_refused_before_anything_runs(
    codec: Make, encoder: Any, decoder: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        codec(encoder, decoder)


ANY = [1, 3, None, None]


def flood(elements: int) -> Any:
    """A graph that gives so many elements for any tile."""
    return model(
        [
            node("Shape", "x", "unused"),
            node("Constant", "", "size", value_ints=[1, 1, 1, elements]),
            node("ConstantOfShape", "size", "latents"),
        ],
        [value("x", TensorProto.FLOAT, ANY)],
        [value("latents", TensorProto.FLOAT, [1, None, None, None])],
    )


def endless() -> Any:
    """A graph that counts for longer than anybody waits."""
    from onnx import helper

    body = helper.make_graph(
        [node("Identity", "on", "still"), node("Sin", "a", "b")],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("on", TensorProto.BOOL, []),
            value("a", TensorProto.FLOAT, ANY),
        ],
        [value("still", TensorProto.BOOL, []), value("b", TensorProto.FLOAT, ANY)],
    )
    return model(
        [
            node("Constant", "", "times", value_int=2**62),
            helper.make_node("Loop", ["times", "", "x"], ["latents"], body=body),
        ],
        [value("x", TensorProto.FLOAT, ANY)],
        [value("latents", TensorProto.FLOAT, ANY)],
    )


TAKES = plain(TensorProto.FLOAT, [1, None, None, None])


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (flood(1 << 20), "gave more than"),
        (flood(1 << 32), "encoder.onnx"),
        (flood(1 << 45), "encoder.onnx"),
        (endless(), "encoder.onnx took more than 1.5 s"),
        (
            model(
                [node("Reshape", "x shape", "latents")],
                [value("x", TensorProto.FLOAT, ANY)],
                [value("latents", TensorProto.FLOAT, [1, None, None, None])],
                {"shape": np.array([1, 7, 11, 13])},
            ),
            "encoder.onnx: .*reshape",
        ),
    ],
    ids=["more than allowed", "16 GB", "140 TB", "endless", "fails"],
)
def test_a_hostile_graph_costs_its_tile_and_nothing_else(
    codec: Make, encoder: Any, message: str
) -> None:
    decoder = model(
        [node("Identity", "latents", "y")],
        [value("latents", TensorProto.FLOAT, [1, None, None, None])],
        [value("y", TensorProto.FLOAT, [1, 3, None, None])],
    )
    # Starting the process has a time of its own.
    pair = codec(encoder, decoder, seconds=1.5 if "took" in message else 60, memory=1 << 30)
    for _ in range(2):
        with pytest.raises(ForeignError, match=f"(?i){message}") as failed:
            pair.encode(TILE, 8, 0)
        assert "\n" not in str(failed.value)
    sound = pack_tensors([(TILE / np.float32(255)).transpose(2, 0, 1)[None]])
    assert np.array_equal(pair.decode(sound, TILE.shape, 8), TILE)


def test_the_runtime_refuses_a_graph_once(codec: Make) -> None:
    made = plain(TensorProto.FLOAT, ANY)
    made.graph.node[0].domain = "nobody.knows"
    made.graph.output[0].name = made.graph.node[0].output[0] = "latents"
    decoder = plain(TensorProto.FLOAT, ANY)
    decoder.graph.input[0].name = decoder.graph.node[0].input[0] = "latents"
    pair = codec(made, decoder)
    for _ in range(2):
        with pytest.raises(ForeignError, match=r"nobody\.knows"):
            pair.encode(TILE, 8, 0)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "end within the quality"),
        (b"\x00\x00\xc0\x7f" + pack_tensors([np.zeros((1, 192, 5, 7), np.int16)]), "finite"),
        (bytes(4) + b"junk", "no tensor stream"),
        (bytes(4) + pack_tensors([np.zeros((1, 192, 5, 7), np.int32)]), "tensor of int32"),
        (bytes(4) + pack_tensors([np.zeros(1, np.int16)] * 2), "found 2 tensors"),
        (bytes(4) + pack_tensors([np.zeros((1, 7, 5, 7), np.int16)]), "decoder.onnx"),
        (bytes(4) + pack_tensors([np.zeros((1, 192, 2, 2), np.int16)]), "gave a tile of"),
    ],
    ids=["empty", "quality", "junk", "type", "number", "bands", "too small"],
)
def test_a_damaged_tile_is_refused(codec: Make, stream: bytes, message: str) -> None:
    with pytest.raises(ForeignError, match=message):
        codec(multiple=8).decode(stream, TILE.shape, 8)


def test_samples_that_are_not_numbers_are_refused(codec: Make) -> None:
    shape = [1, 3, None, None]
    pair = codec(plain(TensorProto.FLOAT, shape), plain(TensorProto.FLOAT, shape, "Sqrt"))
    tensor = np.full((1, 3, 37, 50), -1, np.float32)
    with pytest.raises(ForeignError, match="not finite"):
        pair.decode(pack_tensors([tensor]), TILE.shape, 8)


def test_the_processes_end_with_the_codec(codec: Make) -> None:
    pair = codec(multiple=8)
    pair.encode(TILE, 8, 50)
    process = pair._encode._process
    assert process is not None
    pair.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    pair.encode(TILE, 8, 50)  # and start again if they are needed
