"""A short conversation as test vectors for every board: frames received and expected answers.

`python tests/link/serial/conversation.py` rewrites vectors.json.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from downpass.link.serial.board import BoardEnd
from downpass.link.serial.constants import (
    Feature,
    JobFlag,
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
    ("open again", 600, Open(HOST, BOOT, 1, 8, 64, MODEL), SESSION),
    ("wrong model", 610, Open(5, BOOT, 1, 8, 64, bytes(8)), session_number(5, BOOT)),
    ("wrong boot", 620, Open(5, 9, 1, 8, 64, MODEL), session_number(5, 9)),
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


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
