from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from downpass.link.student import plain_range_coder, range_coder
from downpass.link.student.range_coder import (
    CodeError,
    SymbolReader,
    SymbolWriter,
    table_model,
    uniform_model,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .constriction_writer import ConstrictionWriter


@pytest.fixture(params=["compiled", "plain"], autouse=True, scope="module")
def implementation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test with the compiled coder and with the one in Python."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setattr(range_coder, "_CODER", plain_range_coder)
        else:
            assert range_coder._CODER is not plain_range_coder, "install with a C compiler"
        yield


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_bytes_are_constrictions(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    writer, oracle = SymbolWriter(), ConstrictionWriter()
    for _ in range(parts):
        number = int(rng.integers(1, 30))
        if rng.random() < 0.3:
            bits = int(rng.integers(1, 17))
            # Ends of the range make carries, and zeros at the end of the bytes.
            values = rng.choice([0, (1 << bits) - 1, int(rng.integers(0, 1 << bits))], number)
            writer.write(values.astype(np.int32), uniform_model(bits))
            oracle.bits(values, bits)
            continue
        count, total = int(rng.integers(2, 40)), 1 << int(rng.choice([8, 16, 22]))
        share = rng.random(count) ** rng.choice([1, 8, 30])
        frequencies = 1 + (share / share.sum() * (total - count)).astype(np.int64)
        frequencies[int(share.argmax())] += total - frequencies.sum()
        values = rng.choice(count, number, p=frequencies / total)
        writer.write(values.astype(np.int32), table_model(frequencies))
        oracle.table(values, frequencies)
    assert writer.finish() == oracle.finish()


@pytest.mark.parametrize("symbol", [-1, 3, 1 << 20, -(1 << 31)])
def test_a_symbol_outside_its_model_is_refused(symbol: int) -> None:
    writer = SymbolWriter()
    with pytest.raises(ValueError, match=r"symbol .*model of 3"):
        writer.write(np.array([0, symbol], np.int32), table_model(np.array([100, 100, 56])))


class Oracle:
    """The interval that symbols leave, in whole numbers of any size."""

    def __init__(self) -> None:
        self.low, self.span, self.words = 0, (1 << 64) - 1, 0

    def code(self, symbol: int, frequencies: np.ndarray) -> None:
        count, bits = frequencies.size, int(frequencies.sum()).bit_length() - 1
        edges = [int(v) for v in np.concatenate(([0], np.cumsum(frequencies)))]
        start, end = (
            (edges[symbol + at] * ((1 << 24) - count) >> bits) + symbol + at for at in (0, 1)
        )
        scale = self.span >> 24
        self.low += scale * start
        self.span = scale * (end - start)
        if self.span < 1 << 32:
            self.low, self.span, self.words = self.low << 32, self.span << 32, self.words + 1

    def names(self, data: bytes) -> bool:
        length = 8 + 4 * self.words
        value = int.from_bytes(data, "big") << 8 * (length - len(data))
        return self.low <= value < self.low + self.span

    @property
    def bits(self) -> float:
        return 64 + 32 * self.words - float(np.log2(float(self.span)))


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Frequencies that sum to a power of two, often very uneven ones."""
    count = draw(st.integers(2, 60))
    bits = draw(st.sampled_from((8, 16, 22)))
    spare = (1 << bits) - count
    shares = np.array(draw(st.lists(st.integers(0, 50), min_size=count, max_size=count)), float)
    if draw(st.booleans()):
        shares **= 4
    whole = np.floor(shares / max(shares.sum(), 1) * spare).astype(np.int64)
    whole[draw(st.integers(0, count - 1))] += spare - whole.sum()
    return whole + 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(tables(), st.integers(0, 120), st.integers(0, 2**32)), max_size=4))
def test_symbols_come_back_from_the_fewest_bytes(parts: list[tuple[np.ndarray, int, int]]) -> None:
    writer, oracle, written = SymbolWriter(), Oracle(), []
    for frequencies, count, seed in parts:
        rng = np.random.default_rng(seed)
        weight = frequencies / frequencies.sum() if seed % 2 else None
        symbols = rng.choice(frequencies.size, count, p=weight).astype(np.int32)
        model = table_model(frequencies)
        writer.write(symbols, model)
        written.append((symbols, model))
        for symbol in symbols.tolist():
            oracle.code(symbol, frequencies)
    data = writer.finish()
    assert oracle.names(data)
    assert len(data) * 8 < oracle.bits + 16
    assert not data.endswith(b"\0")
    reader = SymbolReader(data)
    for symbols, model in written:
        assert np.array_equal(reader.read(symbols.size, model), symbols)
    reader.finish()


def test_a_carry_runs_through_words_already_written() -> None:
    # The last symbol of a table nearly all of whose mass lies before it pushes the interval
    # against its upper edge, where the words to write depend on what comes after.
    frequencies = np.array([65535, 1])
    model, seen = table_model(frequencies), set()
    for length in range(1, 400):
        writer, oracle = SymbolWriter(), Oracle()
        symbols = np.ones(length, np.int32)
        symbols[-1] = length % 2
        writer.write(symbols, model)
        for symbol in symbols.tolist():
            oracle.code(symbol, frequencies)
        data = writer.finish()
        assert oracle.names(data)
        seen.add(data[:4])
        reader = SymbolReader(data)
        assert np.array_equal(reader.read(length, model), symbols)
        reader.finish()
    assert any(data.startswith(b"\xff\xff\xff") for data in seen)


def test_words_wait_until_their_carry_is_known() -> None:
    # Intervals steered to straddle a word's edge, so that constriction holds words back.
    rng, waited = np.random.default_rng(3), 0
    halves = np.array([1, (1 << 22) - 2, 1])
    model = table_model(halves)
    for _ in range(300):
        writer, oracle, symbols = SymbolWriter(), Oracle(), []
        for _ in range(40):
            edge = 1 << 64
            middle = next(
                symbol
                for symbol in rng.permutation(3)
                if symbol == 1 or rng.random() < 0.3 or oracle.low % edge + oracle.span > edge
            )
            symbols.append(int(middle))
            oracle.code(int(middle), halves)
            waited += oracle.low % edge + oracle.span > edge
        writer.write(np.array(symbols, np.int32), model)
        data = writer.finish()
        assert oracle.names(data)
        reader = SymbolReader(data)
        assert reader.read(40, model).tolist() == symbols
        reader.finish()
    assert waited > 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 200))
def test_any_bytes_give_symbols_or_an_error(data: bytes, count: int) -> None:
    model = table_model(np.array([3, 60000, 5000, 533]))
    reader = SymbolReader(data)
    try:
        symbols = reader.read(count, model)
        reader.finish()
    except CodeError:
        return
    writer = SymbolWriter()
    writer.write(symbols, model)
    assert writer.finish() == data


def refused(data: bytes, count: int, model: object) -> bool:
    try:
        reader = SymbolReader(data)
        reader.read(count, model)
        reader.finish()
    except CodeError:
        return True
    return False


def test_most_damage_is_noticed_by_where_the_bytes_end() -> None:
    model, symbols = table_model(np.array([65000, 500, 36])), np.zeros(4000, np.int32)
    symbols[::97] = 1
    writer = SymbolWriter()
    writer.write(symbols, model)
    sound = writer.finish()
    assert not refused(sound, 4000, model)
    assert refused(sound + b"\0", 4000, model)
    assert refused(sound + b"\1\1\1", 4000, model)
    found = []
    for at in range(len(sound) // 2):
        for bit in range(8):
            flipped = bytearray(sound)
            flipped[at] ^= 1 << bit
            found.append(refused(bytes(flipped), 4000, model))
    assert np.mean(found) > 0.75


def test_nothing_is_no_bytes() -> None:
    assert SymbolWriter().finish() == b""
    SymbolReader(b"").finish()


def test_uniform_bits_cost_what_they_are() -> None:
    writer = SymbolWriter()
    writer.write(np.arange(256, dtype=np.int32), uniform_model(8))
    assert len(writer.finish()) <= 257


@pytest.mark.parametrize("frequencies", [[3, 4], [0, 8], [1 << 22, 1 << 22]])
def test_a_table_must_sum_to_a_power_of_two(frequencies: list[int]) -> None:
    with pytest.raises(ValueError, match="sum to"):
        table_model(np.array(frequencies))
