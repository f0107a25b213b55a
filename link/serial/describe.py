"""Describes messages of the protocol in one line each, for people who read a line's traffic."""

from __future__ import annotations

from .constants import GotFlag, SettingCode, StateFlag, Status
from .messages import (
    Caps,
    Data,
    Error,
    Got,
    Hello,
    Job,
    Load,
    Message,
    Open,
    Ping,
    Pong,
    Query,
    Ready,
    Release,
    Reset,
    Result,
    Run,
    State,
)
from .trust import LONGEST_CAUSE


def describe(message: Message) -> str:
    """Return a message's name and its fields in one line of printable text."""
    fields = _fields(message)
    return f"{message.kind.name} {fields}" if fields else message.kind.name


def _fields(message: Message) -> str:
    match message:
        case Reset():
            return f"nonce {message.host_nonce:08x}, versions {message.oldest}-{message.newest}"
        case Query():
            return f"version {message.version}"
        case Open():
            return (
                f"boot {message.boot_nonce:08x}, window {message.window}, chunk {message.chunk}, "
                f"model {message.fingerprint.hex()}"
            )
        case Job():
            return f"{message.job}: {_form(message)}"
        case Load() | Data():
            return f"{message.job}.{message.index}: {len(message.data)} bytes"
        case Run() | Release():
            return f"{message.job}"
        case Got():
            again = f", {message.again.bit_count()} again" if message.again else ""
            wants = ", RESULT again" if message.flags & GotFlag.RESULT else ""
            return f"{message.job}: has {_chunks(message.first, message.received)}{again}{wants}"
        case State():
            run = ", RUN noted" if message.flags & StateFlag.RUN else ""
            has = f", has {_chunks(message.first, message.received)}" if message.stage == 1 else ""
            return (
                f"{message.job}: {message.stage.name.lower()}{has}{run}, round {message.round}, "
                f"lowest {message.lowest}"
            )
        case Result():
            status = "coded" if message.status == Status.CODED else "failed"
            return (
                f"{message.job}: {status}, {message.length} bytes, CRC-32 {message.crc:08x}, "
                f"{message.encode_ticks} ticks"
            )
        case Ping():
            return f"{message.token:08x}"
        case Pong():
            return (
                f"{message.token:08x}: boot {message.boot_nonce:08x}, {message.bad_frames} bad "
                f"frames, tick {message.ticks}"
            )
        case Error():
            return f"{message.reason}, job {message.job}, detail {message.detail}"
    return _answer_fields(message)


def _answer_fields(message: Message) -> str:
    match message:
        case Hello():
            to = f"to {message.host_nonce:08x}" if message.host_nonce else "unasked"
            return (
                f"{to}, boot {message.boot_nonce:08x}, versions {message.oldest}-{message.newest}"
            )
        case Caps():
            own = message.capabilities
            name = "".join(c if c.isprintable() else " " for c in own.name)[:LONGEST_CAUSE]
            return (
                f"{name}: codec {own.codec}, tiles to {own.largest_tile} bytes, {own.slots} slots, "
                f"chunks to {own.chunk}"
            )
        case Ready():
            return f"window {message.window}, chunk {message.chunk}"
    return ""


def _form(message: Job) -> str:
    form = message.form
    setting = {
        SettingCode.QUALITY: f"quality {form.setting / 1000:g}",
        SettingCode.BYTES: f"at most {form.setting} bytes",
        SettingCode.STEP: f"step {form.setting}",
    }[form.setting_kind]
    return (
        f"{form.columns} x {form.rows} x {form.bands}, {form.bit_depth} bit, {form.tile_bytes} "
        f"bytes, {setting}"
    )


def _chunks(first: int, received: int) -> str:
    beyond = received.bit_count()
    return f"{first} chunks and {beyond} beyond a gap" if beyond else f"{first} chunks"
