"""Opens the boards that encode a run's frames, and checks their capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...link.errors import InputError
from ...link.serial.host_settings import HostSettings
from ...payload.encoders.base import Encoder
from ..board.access import ANY_BOARD, BoardAccess
from ..board.loop import BoardLoop
from ..board.suitability import unsuited
from ..scenario.codec import EncoderChoice
from ..scenario.satellite import SatelliteSpec
from ..scenario.scenario import Scenario
from .feasibility import InfeasibleError

_BOARD = "board"


def has_board(satellite: SatelliteSpec) -> bool:
    """Return whether a board encodes a satellite's frames."""
    return satellite.encoder.backend == _BOARD


def open_boards(
    scenario: Scenario, encoders: Sequence[Encoder], access: BoardAccess = ANY_BOARD
) -> dict[EncoderChoice, BoardLoop]:
    """Open every board that the satellites name, each once.

    Args:
        scenario: The scenario.
        encoders: The codec of each satellite.
        access: How the boards are reached.

    Raises:
        InfeasibleError: A board does not answer, or cannot do what its satellite requires. The
            boards that were opened are closed again.
    """
    boards: dict[EncoderChoice, BoardLoop] = {}
    try:
        problems = _open(scenario, encoders, boards, access)
        if problems:
            raise InfeasibleError(problems)
    except BaseException:
        for board in boards.values():
            board.close()
        raise
    return boards


def _settings(choice: EncoderChoice) -> HostSettings:
    """Return what the host expects of a board; a chunk size that is given stays."""
    usual = HostSettings(baud=choice.baud, away=choice.give_up_after, stuck=choice.encode_timeout)
    return usual if choice.chunk is None else replace(usual, chunk=choice.chunk, adapts=False)


def _open(
    scenario: Scenario,
    encoders: Sequence[Encoder],
    boards: dict[EncoderChoice, BoardLoop],
    access: BoardAccess,
) -> list[str]:
    """Add the boards that answer to `boards` and return the problems, one line each."""
    source = scenario.source
    problems: list[str] = []
    absent: set[EncoderChoice] = set()
    for index, satellite in enumerate(scenario.satellites):
        if not has_board(satellite):
            continue
        choice, place = satellite.encoder, f"satellites.{index}"
        assert choice.port is not None  # noqa: S101  (a board has one)
        if choice not in boards and choice not in absent:
            try:
                boards[choice] = BoardLoop(choice.port, _settings(choice), access)
            except InputError as error:
                problems.append(f"{source.place_of(f'{place}.encoder.port')}: {error}")
                absent.add(choice)
        if choice in absent:
            continue
        imager, tile = satellite.imager, satellite.codec.tile
        for field, found in unsuited(
            boards[choice].own,
            encoders[index],
            columns=min(tile, imager.frame_width_px),
            rows=min(tile, imager.frame_height_px),
            bands=len(imager.bands),
            bit_depth=imager.bit_depth,
        ):
            problems.append(f"{source.place_of(f'{place}.{field}')}: {found}")
    return problems
