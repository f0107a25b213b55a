"""Frame sources with pixels: frames are encoded in this process or by a board."""

from __future__ import annotations

from dataclasses import replace

from ...link.clock import TICKS_PER_SECOND
from ...link.errors import InputError
from ..board.board_frame import BoardFrame
from ..board.loop import BoardLoop, BoardStoppedError
from ..model.records import FrameRecord
from ..model.setup import Capture, Encoded, Situation
from .encoders import Encoders, EncodeTask
from .rated_frames import MODELLED, RatedFrames

MEASURED_ON_HOST = "measured on host"
MEASURED_ON_BOARD = "measured on board"


def frame_source(encoders: Encoders, satellite: int) -> PixelFrames | BoardFrames:
    """Return where a satellite's encoded frames come from."""
    board = encoders.board(satellite)
    if board is not None:
        return BoardFrames(encoders, satellite, board)
    return PixelFrames(encoders, satellite)


class PixelFrames:
    """A satellite's frames, encoded in this process from the scenes of its targets.

    Frames of targets without scenes have the size that the codec's rate allows.
    """

    def __init__(self, encoders: Encoders, satellite: int) -> None:
        setup = encoders.satellite(satellite)
        measured = setup.processor.encode_time == "host"
        self._encoders = encoders
        self._satellite = satellite
        self._place = encoders.place_of_codec(satellite)
        self._rated = None if measured else RatedFrames(setup, policy=encoders.policy(satellite))
        self.time_kind = MEASURED_ON_HOST if measured else MODELLED

    def encode(self, capture: Capture, situation: Situation) -> Encoded:
        """Return a frame's real size and its encode time, modelled or measured.

        Raises:
            InputError: The codec cannot encode this frame at its setting.
        """
        if not self._encoders.has_pixels(capture):
            if self._rated is None:
                raise InputError(
                    "encode_time host: a target without scenes has nothing to measure; "
                    "allowed: scenes for every target, or encode_time modelled"
                )
            return self._rated.encode(capture, situation)
        task = self._encoders.task(self._satellite, capture, situation)
        try:
            done = self._encoders.result(task)
        except Exception as error:
            raise _refusal(self._place, capture, task, error) from error
        ticks = (
            max(1, round(done.seconds * TICKS_PER_SECOND))
            if self._rated is None
            else self._rated.ticks(capture)
        )
        return Encoded(done.size, ticks, task.setting)

    def requantise(self, record: FrameRecord, budgets: tuple[int, ...]) -> Encoded:
        """Return a frame's real size after requantisation, and its time, modelled or measured."""
        task = self._encoders.task_of(record)
        if task is None:
            if self._rated is None:
                raise ValueError(f"frame {record.capture.number} has no pixels to measure")
            return self._rated.requantise(record, budgets)
        try:
            done = self._encoders.result(replace(task, budgets=budgets))
        except Exception as error:
            raise _refusal(self._place, record.capture, task, error) from error
        ticks = (
            max(1, round(done.seconds * TICKS_PER_SECOND))
            if self._rated is None
            else self._rated.requantise_ticks(record.capture)
        )
        return Encoded(done.size, ticks, record.setting)


class BoardFrames:
    """A satellite's frames, encoded by a board."""

    def __init__(self, encoders: Encoders, satellite: int, board: BoardLoop) -> None:
        self._encoders = encoders
        self._satellite = satellite
        self._board = board
        self._place = encoders.place_of_codec(satellite)
        self.time_kind = MODELLED if board.figures().modelled else MEASURED_ON_BOARD

    def encode(self, capture: Capture, situation: Situation) -> Encoded | None:
        """Return a frame's size and the board's time for it; None if the board has stopped.

        Raises:
            InputError: The codec cannot encode this frame at its setting.
        """
        if not self._encoders.has_pixels(capture):
            raise InputError(
                f"{self._place}: a target without scenes gives a board nothing to encode; "
                "allowed: scenes for every target"
            )
        task = self._encoders.task(self._satellite, capture, situation)
        try:
            done: BoardFrame = self._board.result(task)
        except BoardStoppedError:
            return None
        except Exception as error:
            raise _refusal(self._place, capture, task, error) from error
        return Encoded(done.size, done.ticks, task.setting, done.wrong_tiles)


def _refusal(place: str, capture: Capture, task: EncodeTask, error: Exception) -> InputError:
    """Return the error that reports which frame could not be encoded, and why.

    SimPy raises a copy of an exception, built from its `args`. Not all library exceptions can be
    copied this way, so they are converted before they reach SimPy.
    """
    scene = task.view.scene
    shown = f" of {scene.name}" if scene is not None else ""
    found = " ".join(str(error).split())
    if not isinstance(error, InputError):
        found = f"{type(error).__name__}: {found}" if found else type(error).__name__
    return InputError(f"{place}: frame {capture.number}{shown}: {found}")
