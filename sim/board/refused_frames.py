"""Frames that every board must refuse, and how: docs/serial-protocol.md, "Order".

They are bodies that no message of this package has, so they are made of a sound JOB's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...link.serial.constants import Code, Feature, JobFlag, Kind, SampleCode, Unsupported
from ...link.serial.framing import Deframer, frame
from ...link.serial.messages import Capabilities, Job, TileForm, seal

# Offset and size of JOB's fields in the body, behind kind and session.
_FIELDS: Final = {
    "tile_bytes": (9, 4),
    "columns": (17, 2),
    "rows": (19, 2),
    "bands": (21, 2),
    "bit_depth": (23, 1),
    "sample": (24, 1),
    "flags": (25, 1),
    "setting_kind": (26, 1),
}


@dataclass(frozen=True, slots=True)
class RefusedFrame:
    """A frame that a board must refuse.

    Attributes:
        what: What is wrong with it.
        frame: The bytes for the line, delimiters included.
        code: The code of the ERROR.
        detail: The detail of the ERROR.
    """

    what: str
    frame: bytes
    code: Code
    detail: int


def refused_frames(
    own: Capabilities, session: int, job: int, form: TileForm
) -> Iterator[RefusedFrame]:
    """Return frames that a board must refuse while the job's stage is free.

    Args:
        own: The board's capabilities.
        session: The open session.
        job: The number of a job whose stage is free.
        form: A tile of uint8 samples that the board accepts.
    """
    (body,) = Deframer().feed(seal(Job(job, form), session))

    def malformed(what: str, **changes: int) -> RefusedFrame:
        changed = bytearray(body)
        for name, value in changes.items():
            offset, size = _FIELDS[name]
            changed[offset : offset + size] = value.to_bytes(size, "little")
        return RefusedFrame(what, frame(bytes(changed)), Code.MALFORMED, Kind.JOB)

    yield malformed("JOB with one byte more than its sides say", tile_bytes=form.tile_bytes + 1)
    for name in ("columns", "rows", "bands"):
        yield malformed(f"JOB without {name}", tile_bytes=0, **{name: 0})
    yield malformed("JOB of bit depth 0", bit_depth=0)
    yield malformed("JOB of bit depth 9 in uint8", bit_depth=9)
    yield malformed("JOB of sample 3", sample=3, tile_bytes=2 * form.tile_bytes)
    yield malformed("JOB of setting kind 3", setting_kind=3)
    yield malformed("JOB with flag 3", flags=8)
    yield malformed("JOB of negative samples in uint8", flags=JobFlag.NEGATIVE)
    for what, changed in (
        ("JOB that is too long", body + b"\0"),
        ("JOB that is too short", body[:-1]),
        ("RUN without a number", body[:1].replace(b"\x04", b"\x06") + body[1:5]),
    ):
        yield RefusedFrame(what, frame(changed), Code.MALFORMED, changed[0])
    other = body[:1] + (session ^ 1).to_bytes(4, "little")
    yield RefusedFrame(
        "JOB that is too short, in a session that is not open",
        frame(other + body[5:-1]),
        Code.MALFORMED,
        Kind.JOB,
    )
    if not own.features & Feature.NODATA:
        for flag in (JobFlag.NODATA, JobFlag.MASKS):
            yield RefusedFrame(
                f"JOB with flag {flag.name}, which the board cannot",
                frame(body[:25] + bytes([flag]) + body[26:]),
                Code.UNSUPPORTED,
                Unsupported.FLAGS,
            )
    if not own.features & Feature.UINT16 and form.tile_bytes * 2 <= own.largest_tile:
        doubled = bytearray(body)
        doubled[9:13] = (2 * form.tile_bytes).to_bytes(4, "little")
        doubled[24] = SampleCode.UINT16
        yield RefusedFrame(
            "JOB of uint16, which the board cannot",
            frame(bytes(doubled)),
            Code.UNSUPPORTED,
            Unsupported.SAMPLE,
        )
