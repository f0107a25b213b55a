"""Opens the boards that encode a run's frames, and checks their capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...link.errors import InputError
from ...link.serial.faults.board_faults import NEVER, BoardFaults, Interruption, Strikes
from ...link.serial.faults.faulty_line import Faults, flipped_bytes
from ...link.serial.host_settings import HostSettings
from ...payload.encoders.base import Encoder
from ..board.access import ANY_BOARD, BoardAccess
from ..board.injection import FaultScript
from ..board.loop import BoardLoop
from ..board.suitability import unsuited
from ..scenario.codec import EncoderChoice
from ..scenario.faults import CutSpec, FaultsSpec, PauseSpec, TileFaultSpec
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


def fault_script(faults: FaultsSpec, seed: int, index: int) -> FaultScript:
    """Return the faults that a scenario injects into a board's line.

    Args:
        faults: The scenario's section.
        seed: The scenario's seed.
        index: The first satellite that uses the board. Two boards have different faults.
    """
    own = seed if faults.seed is None else faults.seed
    return FaultScript(
        seed=f"{own}/{index}",
        line=Faults(
            drop=faults.drop,
            duplicate=faults.duplicate,
            reorder=faults.reorder,
            truncate=faults.truncate,
            garbage=faults.garbage,
            flip_bit=flipped_bytes(faults.bit_error_rate),
        ),
        board=BoardFaults(
            cut=_interruption(faults.cut),
            stall=_interruption(faults.stall),
            reboot=_interruption(faults.reboot),
            wrong=_strikes(faults.wrong),
            refuse=_strikes(faults.refuse),
            slow=faults.slow,
        ),
        baud=faults.baud,
        delay_s=faults.delay,
        jitter_s=faults.jitter,
    )


def _strikes(spec: TileFaultSpec | None) -> Strikes:
    if spec is None:
        return NEVER
    return Strikes(spec.every, frozenset(spec.tiles or ()), spec.share or 0.0)


def _interruption(spec: PauseSpec | None) -> Interruption:
    if spec is None:
        return Interruption()
    moments = spec.at if isinstance(spec, CutSpec) else None
    return Interruption(_strikes(spec), spec.for_, moments or ())


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
                faults = choice.faults
                script = None if faults is None else fault_script(faults, scenario.seed, index)
                boards[choice] = BoardLoop(choice.port, _settings(choice), access, script)
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
