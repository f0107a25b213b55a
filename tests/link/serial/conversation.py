"""A short conversation as test vectors for every board: frames received and expected answers.

`python tests/link/serial/conversation.py` rewrites vectors.json and the specification's example.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import (
    Feature,
    JobFlag,
    Kind,
    SampleCode,
    SettingCode,
    Status,
    TickKind,
)
from downpass.link.serial.messages import (
    Capabilities,
    Got,
    Job,
    Load,
    Message,
    Open,
    Ping,
    Query,
    Release,
    Reset,
    Run,
    TileForm,
    seal,
    session_number,
)

VECTORS = Path(__file__).with_name("vectors.json")
HOST, BOOT = 0x11223344, 0xCAFE0001
SESSION = session_number(HOST, BOOT)
TILE = bytes(range(100, 190))
FORM = TileForm(
    90,
    zlib.crc32(TILE),
    10,
    9,
    1,
    8,
    SampleCode.UINT8,
    JobFlag(0),
    SettingCode.STEP,
    0,
    7,
    (120, -40, 0, 9),
)
PAYLOAD = bytes(200 + index % 3 for index in range(70))
CAPABILITIES = Capabilities(
    memory=262144,
    largest_tile=4096,
    largest_result=4096,
    most_columns=64,
    most_rows=64,
    most_bands=3,
    bit_depth=8,
    slots=2,
    window=4,
    codec=16,
    features=Feature.STEP | Feature.ROTATION,
    tick_kind=TickKind.MODELLED,
    chunk=64,
    tick_rate=1000000,
    clock_hz=667000000,
    fingerprint=bytes.fromhex("0102030405060708"),
    name="zynq-a9",
    software="downpass 0.1",
)
MODEL = CAPABILITIES.fingerprint


def job_body(session: int, **changes: int) -> bytes:
    """The body of JOB 2 with fields that no message of this package has."""
    offsets = {"tile_bytes": 9, "columns": 17, "rows": 19, "bands": 21, "bit_depth": 23}
    offsets |= {"sample": 24, "flags": 25, "setting_kind": 26}
    body = bytearray(struct.pack("<BI", Kind.JOB, session) + Job(2, FORM).pack())
    for name, value in changes.items():
        size = {"tile_bytes": 4, "columns": 2, "rows": 2, "bands": 2}.get(name, 1)
        body[offsets[name] : offsets[name] + size] = value.to_bytes(size, "little")
    return bytes(body)


STEPS: list[tuple[str, int, Message | bytes | None, int]] = [
    ("boot", 0, None, 0),
    ("reset", 10, Reset(HOST, 1, 1), 0),
    ("query", 20, Query(HOST, 1), 0),
    ("open", 30, Open(HOST, BOOT, 1, 8, 64, MODEL), SESSION),
    ("ping", 35, Ping(0xABCD), 0),
    ("load before job", 40, Load(0, 0, TILE[:64]), SESSION),
    ("job", 50, Job(0, FORM), SESSION),
    ("second chunk first", 60, Load(0, 1, TILE[64:]), SESSION),
    ("run", 65, Run(0), SESSION),
    ("first chunk", 70, Load(0, 0, TILE[:64]), SESSION),
    ("run again", 80, Run(0), SESSION),
    ("finish", 500, None, 0),
    ("first chunk of the result is wanted again", 510, Got(0, 0, 0, 2, 1), SESSION),
    ("result is wanted again", 520, Got(0, 1, 2, 0, 0), SESSION),
    ("job again", 530, Job(0, FORM), SESSION),
    ("release", 540, Release(0), SESSION),
    ("run after release", 550, Run(0), SESSION),
    ("job too far ahead", 560, Job(9, FORM), SESSION),
    ("another session", 570, Run(1), SESSION ^ 1),
    ("a wrong chunk length", 580, Job(1, FORM), SESSION),
    ("chunk too short", 590, Load(1, 0, b"abc"), SESSION),
    ("no rotation", 595, Job(2, replace(FORM, rotation=(0, 0, 0, 0))), SESSION),
    ("a first chunk", 596, Load(1, 0, TILE[:64]), SESSION),
    ("the same chunk, three bytes of it", 597, Load(1, 0, TILE[:3]), SESSION),
    ("a nodata value, which the board cannot", 598, Job(2, replace(FORM, flags=2)), SESSION),
    ("a mask, which the board cannot", 599, Job(2, replace(FORM, flags=4)), SESSION),
    ("tile bytes that are not those of the sides", 600, job_body(SESSION, tile_bytes=91), 0),
    ("no columns", 601, job_body(SESSION, tile_bytes=0, columns=0), 0),
    ("no rows", 602, job_body(SESSION, tile_bytes=0, rows=0), 0),
    ("no bands", 603, job_body(SESSION, tile_bytes=0, bands=0), 0),
    ("bit depth 0", 604, job_body(SESSION, bit_depth=0), 0),
    ("a bit depth above the sample's", 605, job_body(SESSION, bit_depth=9), 0),
    ("an unknown sample", 606, job_body(SESSION, sample=3, tile_bytes=180), 0),
    ("an unknown setting kind", 607, job_body(SESSION, setting_kind=3), 0),
    ("an unknown flag", 608, job_body(SESSION, flags=8), 0),
    ("negative samples in uint8", 609, job_body(SESSION, flags=1), 0),
    ("malformed, in another session", 610, job_body(SESSION ^ 1, bit_depth=0), 0),
    ("too long", 611, job_body(SESSION) + b"\0", 0),
    ("reset with a session", 612, Reset(HOST, 1, 1), SESSION),
    ("query with a session", 613, Query(HOST, 1), SESSION),
    ("query of version 2 with a session", 614, Query(HOST, 2), SESSION),
    ("open again with another window", 615, Open(HOST, BOOT, 1, 9, 64, MODEL), SESSION),
    ("open again with a chunk too large", 616, Open(HOST, BOOT, 1, 8, 65, MODEL), SESSION),
    ("open again", 617, Open(HOST, BOOT, 1, 8, 64, MODEL), SESSION),
    ("wrong model", 618, Open(5, BOOT, 1, 8, 64, bytes(8)), session_number(5, BOOT)),
    ("wrong boot", 619, Open(5, 9, 1, 8, 64, MODEL), session_number(5, 9)),
    ("new session", 630, Open(6, BOOT, 1, 8, 64, MODEL), session_number(6, BOOT)),
    ("dead session", 640, Open(HOST, BOOT, 1, 8, 64, MODEL), SESSION),
    ("unknown kind", 650, bytes.fromhex("7f00000000"), 0),
]


def framed(body: bytes) -> bytes:
    from downpass.link.serial.framing import frame

    return frame(body)


def play() -> list[dict[str, Any]]:
    """Play the conversation with the Python board."""
    board = BoardEnd(CAPABILITIES, BOOT)
    steps = []
    for name, ticks, message, session in STEPS:
        given = b""
        if isinstance(message, bytes):
            given = framed(message)
        elif message is not None:
            given = seal(message, session)
        board.receive(given, ticks)
        if name == "finish":
            board.finish(Status.CODED, PAYLOAD, 333)
        taken = board.take() is not None
        answers = []
        while data := board.send(ticks):
            answers.append(data.hex())
        steps.append(
            {"step": name, "ticks": ticks, "in": given.hex(), "take": taken, "out": answers}
        )
    return steps


def document() -> dict[str, Any]:
    """Return the content of vectors.json."""
    return {
        "capabilities": "the CAPS message of step `query`",
        "boot_nonce": BOOT,
        "payload": PAYLOAD.hex(),
        "encode_ticks": 333,
        "steps": play(),
    }


def hex_lines(mark: str, frame: bytes) -> list[str]:
    """Return a frame's lines in the specification's example."""
    rows = [frame[at : at + 30].hex(" ") for at in range(0, len(frame), 30)]
    return [f"{mark} {rows[0]}", *(f"  {row}" for row in rows[1:])]


def example(steps: list[dict[str, Any]]) -> str:
    """Return the specification's example."""
    lines = []
    for step in steps:
        lines.append(f"# {step['step']}, tick {step['ticks']}")
        if step["in"]:
            lines += hex_lines(">", bytes.fromhex(step["in"]))
        for answer in step["out"]:
            lines += hex_lines("<", bytes.fromhex(answer))
    return "\n".join(lines)


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
    page = Path(__file__).parents[3] / "docs" / "serial-protocol.md"
    head, _, rest = page.read_text(encoding="utf-8").partition("```hex\n")
    tail = rest.partition("```")[2]
    page.write_text(f"{head}```hex\n{example(play())}\n```{tail}", encoding="utf-8")
