"""Encoded frames for the simulation: from real pixels, or from a rate alone."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ...link.clock import TICKS_PER_SECOND
from ...link.container.frame import Frame
from ...link.errors import InputError
from ...payload.encoders.registry import encoder
from ..board.loop import BoardFigures, BoardFrame, BoardLoop, BoardStoppedError, FrameWork
from ..board.suitability import unsuited
from ..mission.preparation import Mission
from ..mission.views import View
from ..model.setup import Capture, Encoded
from ..scenario.codec import EncoderChoice
from ..scenario.satellite import SatelliteSpec
from .content_cache import CodedFrame, ContentCache
from .feasibility import InfeasibleError
from .scenes import Scenes

MODELLED = "modelled"
MEASURED_ON_HOST = "measured on host"
MEASURED_ON_BOARD = "measured on board"
BOARD = "board"


class RatedFrames:
    """Frames whose size follows from the codec's rate or budget, without pixels."""

    time_kind = MODELLED

    def __init__(self, satellite: SatelliteSpec, codec: str = "") -> None:
        """Take the times of the satellite's own codec, or of another that its profile has."""
        self._setting = satellite.codec.setting
        self._rate = round(satellite.processor.rate_of(codec or satellite.codec.name))

    def encode(self, capture: Capture) -> Encoded:
        """Return the size that the rate or the budget allows."""
        size = self._setting.budget(capture.width, capture.height)
        if size is None:
            raise ValueError("a quality says nothing about sizes; the scenario should not have it")
        return Encoded(max(1, size), self.ticks(capture))

    def ticks(self, capture: Capture) -> int:
        """Return the modelled time of encoding, rounded up to a whole tick."""
        return -(-capture.samples * TICKS_PER_SECOND // self._rate)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of encoding work; frames that show the same thing are one job."""

    satellite: int
    view: View


@dataclass(frozen=True, slots=True)
class _Done:
    size: int
    seconds: float


class Encoders:
    """The real encoders of a mission's satellites, working ahead of the simulation.

    What will be imaged is known before the simulation starts, so the work is handed to threads,
    or to the boards, at once and the simulation finds it done. Bitstreams lie in the cache, not
    in memory; a board's are never taken from it, but compared with what it gives.
    """

    def __init__(self, mission: Mission, scenes: Scenes, cache: ContentCache) -> None:
        """Start to encode everything that the mission will capture.

        Raises:
            InputError: A board that is not there, or cannot do what its satellite asks.
        """
        self._mission = mission
        self._scenes = scenes
        self._cache = cache
        self._satellites = mission.flight.scenario.satellites
        self._encoders = [encoder(s.codec.name, s.codec.tile) for s in self._satellites]
        self._boards: dict[EncoderChoice, BoardLoop] = {}
        try:
            self._open_boards()
        except BaseException:
            self._close_boards()
            raise
        self._done: dict[Job, Future[_Done]] = {}
        measured = any(s.processor.encode_time == "host" for s in self._satellites)
        # A measured time is of one core that nothing else of ours is using.
        self._threads = ThreadPoolExecutor(1 if measured else os.cpu_count() or 1)
        for index, satellite in enumerate(mission.setup.satellites):
            for capture in satellite.captures:
                job = self.job(index, capture)
                if job is None or job in self._done or _has_board(self._satellites[index]):
                    continue
                self._done[job] = self._threads.submit(self._work, job)
        for choice, board in self._boards.items():
            board.start(self._works(choice), self._threads)

    def job(self, satellite: int, capture: Capture) -> Job | None:
        """Return the job that a capture is, or None if it has no pixels."""
        view = self._mission.views[capture.number]
        return None if view.scene is None else Job(satellite, view)

    def source(self, satellite: int) -> PixelFrames | BoardFrames:
        """Return where a satellite's encoded frames come from."""
        board = self._boards.get(self._satellites[satellite].encoder)
        if board is not None:
            return BoardFrames(self, satellite, board)
        return PixelFrames(self, satellite, self._satellites[satellite])

    def board_figures(self) -> list[BoardFigures]:
        """Return what came of each board so far."""
        return [board.figures() for board in self._boards.values()]

    def place_of_codec(self, satellite: int) -> str:
        """Return where the scenario chooses a satellite's codec: `file:line: field`."""
        source = self._mission.flight.scenario.source
        return source.place_of(f"satellites.{satellite}.codec")

    def result(self, job: Job) -> _Done:
        """Wait for a job."""
        return self._done[job].result()

    def coded(self, job: Job) -> CodedFrame:
        """Return what a job made, from the cache or, if it has gone from there, made again."""
        board = self._boards.get(self._satellites[job.satellite].encoder)
        if board is not None:
            made = board.result(job).differing
            if made is not None:
                return CodedFrame(made, 0.0)
        return self._in_process(job.satellite, self._scenes.frame(job.satellite, job.view))

    def close(self) -> None:
        """Drop the work that nobody has waited for."""
        self._close_boards()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _in_process(self, satellite: int, frame: Frame) -> CodedFrame:
        setting = self._satellites[satellite].codec.setting
        return self._cache.encoded(self._encoders[satellite], frame, setting)

    def _open_boards(self) -> None:
        source = self._mission.flight.scenario.source
        problems: list[str] = []
        absent: set[EncoderChoice] = set()
        for index, satellite in enumerate(self._satellites):
            if not _has_board(satellite):
                continue
            choice, place = satellite.encoder, f"satellites.{index}"
            assert choice.port is not None  # noqa: S101  (a board has one)
            if choice not in self._boards and choice not in absent:
                try:
                    self._boards[choice] = BoardLoop(choice.port, choice.baud, choice.give_up_after)
                except InputError as error:
                    problems.append(f"{source.place_of(f'{place}.encoder.port')}: {error}")
                    absent.add(choice)
            if choice in absent:
                continue
            imager, tile = satellite.imager, satellite.codec.tile
            for field, found in unsuited(
                self._boards[choice].own,
                self._encoders[index],
                columns=min(tile, imager.frame_width_px),
                rows=min(tile, imager.frame_height_px),
                bands=len(imager.bands),
                bit_depth=imager.bit_depth,
            ):
                problems.append(f"{source.place_of(f'{place}.{field}')}: {found}")
        if problems:
            raise InfeasibleError(problems)

    def _close_boards(self) -> None:
        for board in self._boards.values():
            board.close()

    def _works(self, choice: EncoderChoice) -> list[FrameWork]:
        """Return a board's frames in the order in which they will be captured."""
        captures = [
            (capture.end, index, capture)
            for index, satellite in enumerate(self._mission.setup.satellites)
            if self._satellites[index].encoder == choice
            for capture in satellite.captures
        ]
        works: dict[Job, FrameWork] = {}
        for _, index, capture in sorted(captures, key=lambda item: item[:2]):
            job = self.job(index, capture)
            if job is None or job in works:
                continue
            works[job] = FrameWork(
                key=job,
                name=f"frame {capture.number}",
                read=partial(self._scenes.frame, index, job.view),
                encoder=self._encoders[index],
                setting=self._satellites[index].codec.setting,
                reference=partial(self._in_process, index),
            )
        return list(works.values())

    def _work(self, job: Job) -> _Done:
        coded = self.coded(job)
        return _Done(len(coded.bitstream), coded.host_seconds)


class PixelFrames:
    """A satellite's encoded frames, made of the pixels that its targets' scenes show.

    Frames of targets without scenes have the size that the codec's rate allows.
    """

    def __init__(self, encoders: Encoders, satellite: int, setup: SatelliteSpec) -> None:
        self._encoders = encoders
        self._satellite = satellite
        self._place = encoders.place_of_codec(satellite)
        self._measured = setup.processor.encode_time == "host"
        self._rated = None if self._measured else RatedFrames(setup)
        self.time_kind = MEASURED_ON_HOST if self._measured else MODELLED

    def encode(self, capture: Capture) -> Encoded:
        """Return a frame's real size and its time, modelled or measured.

        Raises:
            InputError: the codec cannot do what is asked with this frame.
        """
        job = self._encoders.job(self._satellite, capture)
        if job is None:
            if self._rated is None:
                raise InputError(
                    "encode_time host: a target without scenes has nothing to measure; "
                    "allowed: scenes for every target, or encode_time modelled"
                )
            return self._rated.encode(capture)
        try:
            done = self._encoders.result(job)
        except Exception as error:
            raise _refusal(self._place, capture, job, error) from error
        if self._rated is None:
            return Encoded(done.size, max(1, round(done.seconds * TICKS_PER_SECOND)))
        return Encoded(done.size, self._rated.ticks(capture))


class BoardFrames:
    """A satellite's encoded frames, made by a board."""

    def __init__(self, encoders: Encoders, satellite: int, board: BoardLoop) -> None:
        self._encoders = encoders
        self._satellite = satellite
        self._board = board
        self._place = encoders.place_of_codec(satellite)
        self.time_kind = MODELLED if board.figures().modelled else MEASURED_ON_BOARD

    def encode(self, capture: Capture) -> Encoded | None:
        """Return a frame's size and the board's time for it; None where the board has stopped.

        Raises:
            InputError: The codec cannot do what is asked with this frame.
        """
        job = self._encoders.job(self._satellite, capture)
        if job is None:
            raise InputError(
                f"{self._place}: a target without scenes gives a board nothing to encode; "
                "allowed: scenes for every target"
            )
        try:
            done: BoardFrame = self._board.result(job)
        except BoardStoppedError:
            return None
        except Exception as error:
            raise _refusal(self._place, capture, job, error) from error
        return Encoded(done.size, done.ticks)


def _refusal(place: str, capture: Capture, job: Job, error: Exception) -> InputError:
    """Return the line that says which frame could not be encoded, and why.

    SimPy raises a copy of an exception, made of its `args`; libraries' exceptions do not all
    allow that, so none of them may reach it.
    """
    scene = job.view.scene
    shown = f" of {scene.name}" if scene is not None else ""
    found = " ".join(str(error).split())
    if not isinstance(error, InputError):
        found = f"{type(error).__name__}: {found}" if found else type(error).__name__
    return InputError(f"{place}: frame {capture.number}{shown}: {found}")


def _has_board(satellite: SatelliteSpec) -> bool:
    return satellite.encoder.backend == BOARD
