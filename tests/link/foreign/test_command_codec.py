"""A codec of two programs: what they are given, and what is accepted of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from downpass.link.errors import InputError
from downpass.link.foreign.codec import CommandCodec, Interleave
from downpass.link.foreign.command import Command
from downpass.link.foreign.limits import ForeignError
from downpass.link.foreign.quality_scale import QualityScale

COPY = ("cp", "{input}", "{output}")
# Two rows of three pixels in two bands: the hundreds are the band, the tens the row.
TILE = np.array([[[0, 100], [1, 101], [2, 102]], [[10, 110], [11, 111], [12, 112]]], np.uint8)


def codec(
    encode: tuple[str, ...] = COPY,
    decode: tuple[str, ...] = COPY,
    interleave: Interleave = "bip",
    **changes: Any,
) -> CommandCodec:
    given: dict[str, Any] = {"scale": QualityScale((1, 31)), "seconds": 20, "memory": 1 << 30}
    return CommandCodec(
        Command.find("encode", encode),
        Command.find("decode", decode),
        interleave,
        **(given | changes),
    )


@pytest.mark.parametrize(
    ("interleave", "expected"),
    [
        ("bip", [0, 100, 1, 101, 2, 102, 10, 110, 11, 111, 12, 112]),
        ("bil", [0, 1, 2, 100, 101, 102, 10, 11, 12, 110, 111, 112]),
        ("bsq", [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]),
    ],
)
def test_samples_are_interleaved_as_the_codec_wants_them(
    interleave: Interleave, expected: list[int]
) -> None:
    coder = codec(interleave=interleave)
    assert list(coder.encode(TILE, 8, 0)) == expected
    assert np.array_equal(coder.decode(bytes(expected), (2, 3, 2), 8), TILE)
    deep = TILE.astype(np.uint16) * 16
    coded = coder.encode(deep, 12, 0)
    assert list(np.frombuffer(coded, "<u2")) == [16 * value for value in expected]
    assert np.array_equal(coder.decode(coded, (2, 3, 2), 12), deep)


def test_the_encoder_is_told_everything_and_the_decoder_all_but_the_quality() -> None:
    words = ("{width}", "{height}", "{bands}", "{bits}", "{bytes}")
    told = codec(("printf", " ".join((*words, "{quality}"))), ("printf", " ".join(words)))
    assert told.encode(TILE.astype(np.uint16), 10, 4) == b"3 2 2 10 2 5"
    assert told.decode(b"", (1, 1, 10), 8).tobytes() == b"1 1 10 8 1"[:10]


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (("printf", "abc"), "decode wrote 3 bytes; allowed: 12"),
        (("head", "-c", "13", "/dev/zero"), "decode wrote 13 bytes; allowed: at most 12"),
        (("sh", "-c", "echo bad >&2; exit 1"), "decode ended with status 1: bad"),
    ],
    ids=["too few", "too many", "refused"],
)
def test_a_decoded_tile_has_its_size_or_is_refused(decode: tuple[str, ...], message: str) -> None:
    with pytest.raises(ForeignError, match=message):
        codec(decode=decode).decode(b"x", (2, 3, 2), 8)


def test_a_coded_tile_has_some_bytes_and_not_too_many() -> None:
    with pytest.raises(ForeignError, match="encode wrote an empty output"):
        codec(("true",)).encode(TILE, 8, 0)
    most = 2 * TILE.size + 65536
    assert len(codec(("head", "-c", str(most), "/dev/zero")).encode(TILE, 8, 0)) == most
    with pytest.raises(ForeignError, match=f"allowed: at most {most}"):
        codec(("head", "-c", str(most + 1), "/dev/zero")).encode(TILE, 8, 0)


def test_without_leave_nothing_is_started() -> None:
    idle = codec(refused="found a program")
    for work in (lambda: idle.encode(TILE, 8, 0), lambda: idle.decode(b"", (1, 1, 1), 8)):
        with pytest.raises(InputError, match=r"^found a program$"):
            work()


def test_identities_follow_what_each_end_depends_on() -> None:
    plain = codec()
    other = codec(decode=("cat",))
    assert other.identity == plain.identity
    assert other.decoder_identity != plain.decoder_identity
    assert codec(interleave="bsq").identity != plain.identity
    assert codec(interleave="bsq").decoder_identity != plain.decoder_identity
    assert codec(scale=QualityScale((31, 1))).identity != plain.identity
    assert codec(scale=QualityScale((31, 1))).decoder_identity == plain.decoder_identity
    assert codec(seconds=1).identity == plain.identity


@pytest.mark.parametrize(
    ("scale", "steps", "texts"),
    [
        (QualityScale(), 101, ["0.00", "0.50", "1.00"]),
        (QualityScale((1, 31)), 31, ["1", "16", "31"]),
        (QualityScale((31, 1)), 31, ["31", "16", "1"]),
        (QualityScale((-4, -2)), 3, ["-4", "-3", "-2"]),
        (QualityScale((1, 31), single=True), 1, ["1", "1", "1"]),
    ],
    ids=["hundredths", "rising", "falling", "negative", "single"],
)
def test_a_scale_goes_from_coarsest_to_finest(
    scale: QualityScale, steps: int, texts: list[str]
) -> None:
    assert scale.steps == steps
    assert [scale.text(scale.step(quality)) for quality in (0, 50, 100)] == texts
