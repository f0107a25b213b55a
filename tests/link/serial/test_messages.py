from __future__ import annotations

from dataclasses import fields

import pytest
from downpass.link.serial import messages
from downpass.link.serial.constants import SampleCode, SettingCode, Stage, Status, TickKind
from downpass.link.serial.framing import Deframer
from downpass.link.serial.messages import (
    Capabilities,
    Caps,
    Data,
    Error,
    Got,
    Hello,
    Job,
    Load,
    MessageError,
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
    TileForm,
    open_body,
    seal,
)
from hypothesis import given
from hypothesis import strategies as st

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
texts = st.text(max_size=12).filter(lambda text: len(text.encode("utf-8", "replace")) <= 48)


@st.composite
def forms(draw: st.DrawFn) -> TileForm:
    sample = draw(st.sampled_from(SampleCode))
    size = 1 if sample == SampleCode.UINT8 else 2
    columns, rows, bands = (draw(st.integers(1, 600)) for _ in range(3))
    return TileForm(
        tile_bytes=columns * rows * bands * size,
        tile_crc=draw(u32),
        columns=columns,
        rows=rows,
        bands=bands,
        bit_depth=draw(st.integers(1, 8 * size)),
        sample=sample,
        # Only int16 has negative samples.
        flags=draw(st.integers(0, 7)) & (7 if sample == SampleCode.INT16 else 6),
        setting_kind=draw(st.sampled_from(SettingCode)),
        nodata=draw(st.integers(-(2**31), 2**31 - 1)),
        setting=draw(u32),
        rotation=draw(st.tuples(*[st.integers(-128, 127)] * 4)),
    )


capabilities = st.builds(
    Capabilities,
    memory=u32,
    largest_tile=st.integers(1, 2**32 - 1),
    largest_result=st.integers(1, 2**32 - 1),
    most_columns=u16,
    most_rows=u16,
    most_bands=u16,
    bit_depth=st.integers(1, 16),
    slots=st.integers(1, 16),
    window=st.integers(1, 64),
    codec=u8,
    features=u8,
    tick_kind=st.sampled_from(TickKind),
    chunk=st.integers(64, 4096),
    tick_rate=st.integers(1, 2**32 - 1),
    clock_hz=u32,
    fingerprint=st.binary(min_size=8, max_size=8),
    name=texts,
    software=texts,
)
chunks = {"job": u32, "index": u16, "data": st.binary(min_size=1, max_size=4096)}
anything = st.one_of(
    st.builds(Reset, u32, u8, u8),
    st.builds(Hello, u32, u32, u8, u8),
    st.builds(Query, u32, u8),
    st.builds(Caps, u32, u32, capabilities),
    st.builds(Open, u32, u32, u8, u8, u16, st.binary(min_size=8, max_size=8)),
    st.builds(Ready, u8, u8, u16),
    st.builds(Job, u32, forms()),
    st.builds(Load, **chunks),
    st.builds(Data, **chunks),
    st.builds(Run, u32),
    st.builds(Release, u32),
    st.builds(Got, u32, u8, u16, u64, u64),
    st.builds(State, u32, u32, st.sampled_from(Stage), u8, u8, u16, u64),
    st.builds(Result, u32, st.sampled_from(Status), u32, u32, u32, u64, u64, u64),
    st.builds(Ping, u32),
    st.builds(Pong, u32, u32, u32, u32, u64),
    st.builds(Error, u8, u32, u32),
)


@given(anything, u32)
def test_every_message_comes_back_over_the_line(message: messages.Message, session: int) -> None:
    (body,) = Deframer().feed(seal(message, session))
    assert open_body(body) == (session, message)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    try:
        session, message = open_body(body)
    except MessageError:
        return
    (again,) = Deframer().feed(seal(message, session))
    # RESET, HELLO and ERROR may be longer in later versions; nothing else may.
    assert body.startswith(again)
    assert len(body) == len(again) or isinstance(message, Reset | Hello | Error)


@given(anything, st.data())
def test_a_message_cut_or_stretched_is_refused_or_another(
    message: messages.Message, data: st.DataObject
) -> None:
    (body,) = Deframer().feed(seal(message, 1))
    for changed in (body[: data.draw(st.integers(0, len(body) - 1))], body + b"\x00"):
        try:
            _, read = open_body(changed)
        except MessageError:
            continue
        assert isinstance(read, Load | Data | Reset | Hello | Error)


def test_a_long_name_is_cut_between_characters() -> None:
    given = Capabilities(
        *[1] * 6, 8, 1, 1, 1, 0, TickKind.MEASURED, 64, 1, 0, bytes(8), "é" * 40, "x" * 100
    )
    (body,) = Deframer().feed(seal(Caps(1, 2, given)))
    _, message = open_body(body)
    assert isinstance(message, Caps)
    assert message.capabilities.name == "é" * 24
    assert message.capabilities.software == "x" * 48


@pytest.mark.parametrize(
    ("field", "value"), [("slots", 0), ("slots", 17), ("window", 65), ("chunk", 63)]
)
def test_impossible_capabilities_are_refused(field: str, value: int) -> None:
    good = {one.name: 64 for one in fields(Capabilities)} | {"slots": 3, "bit_depth": 8}
    with pytest.raises(ValueError, match=f"{field} {value}: allowed"):
        Capabilities(**good | {field: value})  # type: ignore[arg-type]


def test_a_tile_whose_size_is_not_its_form_is_refused() -> None:
    with pytest.raises(ValueError, match="12 bytes for a tile of 2 x 2 x 2"):
        TileForm(12, 0, 2, 2, 2, 8, SampleCode.UINT8, 0, SettingCode.STEP, 0, 0)
