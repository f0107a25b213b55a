"""The real encoders of a run: they work ahead of the simulation or on request."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from ...link.container.frame import Frame
from ...link.container.tiles import grid
from ...link.errors import InputError
from ...link.foreign.codec import ForeignCodec
from ...payload.encoders.base import Setting
from ..board.access import ANY_BOARD, BoardAccess
from ..board.board_frame import FrameRequest
from ..board.figures import BoardFigures
from ..board.loop import BoardLoop
from ..mission.preparation import Mission
from ..mission.views import View
from ..model.records import FrameRecord
from ..model.setup import Capture, Situation
from ..scenario.codec import EncoderChoice
from ..scenario.satellite import SatelliteSpec
from .board_loops import has_board, open_boards
from .content_cache import CodedFrame, ContentCache
from .expected_quality import concealed_psnr_db, expected_psnr_db
from .kept_bitstreams import KeptBitstreams
from .lookahead import Lookahead, Point, Points
from .onboard_encoders import onboard_encoders
from .rate_policy import RatePolicy, rate_policy
from .scenes import Scenes


@dataclass(frozen=True, slots=True)
class EncodeTask:
    """A piece of encoding work. Frames with the same view and setting share one task.

    Attributes:
        satellite: Index of the satellite whose codec is used.
        view: What the frame shows.
        setting: How hard to compress.
        budgets: The most bytes of each requantisation after that.
    """

    satellite: int
    view: View
    setting: Setting
    budgets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CodedSize:
    """Result of an encode task.

    Attributes:
        size: Size of the container in bytes.
        seconds: Seconds that the host took to encode the frame the first time.
    """

    size: int
    seconds: float


class Encoders:
    """The encoders of a mission's satellites.

    Frames whose settings the rate policy knows before the run are encoded ahead: when the run
    begins, threads or boards start on them. Other frames are encoded when the simulation asks for
    them. Bitstreams are kept in the cache, not in memory. A board's bitstreams are never taken
    from the cache, but compared with it.
    """

    def __init__(
        self,
        mission: Mission,
        scenes: Scenes,
        cache: ContentCache,
        policies: Sequence[RatePolicy] | None = None,
        threads: int | None = None,
        boards: BoardAccess = ANY_BOARD,
    ) -> None:
        """Start to encode everything whose setting is known.

        Args:
            mission: What will be captured.
            scenes: The pixels.
            cache: Where bitstreams are kept.
            policies: The rate policy of each satellite; by default the scenario's.
            threads: Number of frames encoded at once; by default one for each core.
            boards: How the boards are reached.

        Raises:
            InputError: A board does not answer or cannot do what its satellite requires.
        """
        self._mission = mission
        self._scenes = scenes
        self._cache = cache
        scenario = mission.flight.scenario
        self._satellites = scenario.satellites
        self._encoders = onboard_encoders(s.codec for s in self._satellites)
        self._kept = KeptBitstreams()
        self._curves: dict[tuple[int, View], Future[Points]] = {}
        self._policies = policies or [
            rate_policy(satellite, mission.setup, index, partial(self._curve, index))
            for index, satellite in enumerate(self._satellites)
        ]
        self._boards = open_boards(scenario, self._encoders, boards)
        self._done: dict[EncodeTask, Future[CodedSize]] = {}
        measured = any(s.processor.encode_time == "host" for s in self._satellites)
        # Encode times are only meaningful if no other thread of this process competes.
        self._threads = ThreadPoolExecutor(1 if measured else threads or os.cpu_count() or 1)
        try:
            self._work_ahead()
        except BaseException:
            self.close()
            raise

    def satellite(self, index: int) -> SatelliteSpec:
        """Return a satellite as the scenario describes it."""
        return self._satellites[index]

    def policy(self, satellite: int) -> RatePolicy:
        """Return a satellite's rate policy."""
        return self._policies[satellite]

    def board(self, satellite: int) -> BoardLoop | None:
        """Return the board that encodes a satellite's frames, if any does."""
        return self._boards.get(self._satellites[satellite].encoder)

    def has_pixels(self, capture: Capture) -> bool:
        """Return whether a frame has pixels to encode."""
        return self._mission.views[capture.number].scene is not None

    def task(self, satellite: int, capture: Capture, situation: Situation) -> EncodeTask:
        """Ask the rate policy for a frame's setting, and return the encode task.

        Args:
            satellite: Index of the satellite.
            capture: A frame that has pixels.
            situation: The satellite's state at this moment.
        """
        setting = self._policies[satellite].setting(capture, situation)
        return EncodeTask(satellite, self._mission.views[capture.number], setting)

    def task_of(self, record: FrameRecord) -> EncodeTask | None:
        """Return the task that encoded a frame; None if it was not encoded or has no pixels."""
        if record.setting is None or not self.has_pixels(record.capture):
            return None
        view = self._mission.views[record.capture.number]
        return EncodeTask(record.satellite, view, record.setting, record.budgets)

    def result(self, task: EncodeTask) -> CodedSize:
        """Wait for a task and return its result; start the task if it is new."""
        if task not in self._done:
            self._done[task] = self._threads.submit(self._encode, task)
        return self._done[task].result()

    def coded(self, task: EncodeTask) -> CodedFrame:
        """Return a task's bitstream, from the cache or, if it is no longer there, encoded again."""
        if task.budgets:
            before = self.coded(replace(task, budgets=task.budgets[:-1]))
            return self._cache.requantised(before.bitstream, task.budgets[-1])
        board = self.board(task.satellite)
        if board is not None:
            differing = board.result(task).differing
            if differing is not None:
                return CodedFrame(differing, 0.0)
        if self.foreign(task.satellite) is not None:
            return self._kept.get(task, partial(self._encode_frame, task))
        return self._encode_frame(task)

    def foreign(self, satellite: int) -> ForeignCodec | None:
        """Return a satellite's codec if it comes from outside; it decodes its bitstreams."""
        return self._encoders[satellite].foreign

    def finish_boards(self) -> list[BoardFigures]:
        """Wait until every board has encoded its frames or has stopped; return their figures."""
        return [board.finish() for board in self._boards.values()]

    def place_of_codec(self, satellite: int) -> str:
        """Return where the scenario chooses a satellite's codec: `file:line: field`."""
        source = self._mission.flight.scenario.source
        return source.place_of(f"satellites.{satellite}.codec")

    def close(self) -> None:
        """Close the boards and cancel pending work."""
        for board in self._boards.values():
            board.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._kept.close()
        for codec in {id(one.foreign): one.foreign for one in self._encoders}.values():
            if codec is not None:
                codec.close()

    def _encode_frame(self, task: EncodeTask) -> CodedFrame:
        frame = self._scenes.frame(task.satellite, task.view)
        return self._in_process(task.satellite, task.setting, frame)

    def _in_process(self, satellite: int, setting: Setting, frame: Frame) -> CodedFrame:
        return self._cache.encoded(self._encoders[satellite], frame, setting)

    def _encode(self, task: EncodeTask) -> CodedSize:
        coded = self.coded(task)
        return CodedSize(len(coded.bitstream), coded.host_seconds)

    def _curve(
        self, satellite: int, capture: Capture, settings: Sequence[Setting]
    ) -> Points | None:
        """Return bits per pixel and PSNR of a frame at each setting; None without pixels."""
        if not self.has_pixels(capture):
            return None
        view = self._mission.views[capture.number]
        key = satellite, view
        if key not in self._curves:
            self._curves[key] = self._threads.submit(self._measure, satellite, view, settings)
        return self._curves[key].result()

    def _measure(self, satellite: int, view: View, settings: Sequence[Setting]) -> Points:
        """Return a frame's bits per pixel and its expected PSNR after losses, at each setting."""
        frame = self._scenes.frame(satellite, view)
        pixels = frame.width * frame.height
        spec = self._satellites[satellite]
        sent = spec.transmitter
        loss = 0.0 if sent.transfer.mode == "acknowledged" else sent.packet_loss
        concealed_db = concealed_psnr_db(frame, spec.codec.tile) if loss else 0.0
        tiles = len(list(grid(frame.width, frame.height, spec.codec.tile)))
        points: list[Point | None] = []
        for rated in self._cache.rated(self._encoders[satellite], frame, settings):
            if rated is None or math.isnan(rated.quality.psnr_db):
                points.append(None)
                continue
            level_db = expected_psnr_db(
                rated.quality.psnr_db,
                rated.bytes,
                packet=sent.packet,
                loss=loss,
                tiles=tiles,
                concealed_db=concealed_db,
            )
            points.append((rated.bytes * 8 / pixels, level_db))
        return points

    def _work_ahead(self) -> None:
        for index, policy in enumerate(self._policies):
            if not isinstance(policy, Lookahead):
                continue
            for capture in self._mission.setup.satellites[index].captures:
                key = index, self._mission.views[capture.number]
                if self.has_pixels(capture) and key not in self._curves:
                    self._curves[key] = self._threads.submit(self._measure, *key, policy.measured)
        for index, satellite in enumerate(self._mission.setup.satellites):
            for capture in satellite.captures:
                task = self._planned(index, capture)
                if task is None or task in self._done or has_board(self._satellites[index]):
                    continue
                self._done[task] = self._threads.submit(self._encode, task)
        for choice, board in self._boards.items():
            board.start(self._frame_requests(choice), self._threads)

    def _planned(self, satellite: int, capture: Capture) -> EncodeTask | None:
        """Return the task of a frame that has pixels and a setting known before the run."""
        setting = self._policies[satellite].planned(capture)
        if setting is None or not self.has_pixels(capture):
            return None
        return EncodeTask(satellite, self._mission.views[capture.number], setting)

    def _frame_requests(self, choice: EncoderChoice) -> list[FrameRequest]:
        """Return a board's frames in the order in which they will be captured.

        Raises:
            InputError: A setting is not known before the run; a board needs it because it gets its
                frames when the run begins.
        """
        captures = [
            (capture.end, index, capture)
            for index, satellite in enumerate(self._mission.setup.satellites)
            if self._satellites[index].encoder == choice
            for capture in satellite.captures
        ]
        requests: dict[EncodeTask, FrameRequest] = {}
        for _, index, capture in sorted(captures, key=lambda item: item[:2]):
            if not self.has_pixels(capture):
                continue
            task = self._planned(index, capture)
            if task is None:
                raise InputError(
                    f"{self.place_of_codec(index)}: found a rate that is decided during the run, "
                    "and a board; allowed with a board: a rate that is known before"
                )
            if task in requests:
                continue
            requests[task] = FrameRequest(
                key=task,
                number=capture.number,
                read=partial(self._scenes.frame, index, task.view),
                encoder=self._encoders[index],
                setting=task.setting,
                reference=partial(self._in_process, index, task.setting),
            )
        return list(requests.values())
