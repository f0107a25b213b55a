"""Encodes one tile of a JOB to the payload that the frame's container holds for it.

The bytes are the same that the encoder writes for this tile within its frame. The job carries what
depends on the frame: negative samples, masks, and the rotation of the bands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.container import masks
from ...link.container.frame import Frame
from ...link.container.header import CODECS, NO_MODEL
from ...link.container.hole_filling import fill_holes
from ...link.errors import InputError
from ...link.serial.constants import Feature, JobFlag, SampleCode, SettingCode
from ...link.serial.messages import TileForm
from ..encoders import registry
from ..encoders.base import Setting
from ..encoders.rate_control import Ladder, fit, smallest_step
from ..encoders.tiled import Samples, TileCodec, TiledEncoder, encode_groups
from ..encoders.traits import TRAITS

if TYPE_CHECKING:
    from ..encoders.student.student_model import StudentModel

_TYPES = {SampleCode.UINT8: "u1", SampleCode.UINT16: "<u2", SampleCode.INT16: "<i2"}


class TileCoder(Protocol):
    """A board's encoder.

    Attributes:
        codec: Number of the codec in the bitstream's header.
        software: The codec's name and its software's version.
        fingerprint: The model, 8 bytes; zeros if the codec has none.
        features: The supported `Feature`s.
        most_bands: Most bands of a tile.
        bit_depth: Most bits of a sample.
    """

    codec: int
    software: str
    fingerprint: bytes
    features: int
    most_bands: int
    bit_depth: int

    def encode(self, form: TileForm, tile: bytes) -> bytes:
        """Return the tile's payload.

        Raises:
            InputError: The tile or its setting cannot be encoded.
        """
        ...


class StillTileCoder:
    """A `TileCoder` for a still-picture codec."""

    def __init__(self, codec: TileCodec) -> None:
        self._codec = codec
        self.codec = _number(codec.name)
        self.software = f"{codec.name}, {codec.version}"
        self.fingerprint = NO_MODEL
        self.features = int(
            Feature.UINT16
            | Feature.INT16
            | Feature.NODATA
            | Feature.QUALITY
            | Feature.BYTES
            | Feature.STEP
        )
        self.most_bands, self.bit_depth = 256, 16

    def encode(self, form: TileForm, tile: bytes) -> bytes:
        """Return the tile's payload."""
        pixels = np.frombuffer(tile, _TYPES[form.sample]).reshape(
            form.rows, form.columns, form.bands
        )
        mask = b""
        empty = None
        if form.flags & JobFlag.MASKS:
            if not form.flags & JobFlag.NODATA:
                raise InputError("a mask is asked for without a nodata value")
            empty = pixels == form.nodata
            mask = masks.pack(empty)
            if empty.all():
                return mask
        samples = _from_lowest(pixels, form, empty)
        if empty is not None and empty.any():
            fill_holes(samples, empty)
        return mask + self._at_setting(samples, form, len(mask))

    def _at_setting(self, samples: Samples, form: TileForm, used: int) -> bytes:
        codec, depth = self._codec, form.bit_depth
        match form.setting_kind:
            case SettingCode.STEP:
                if form.setting >= codec.steps(depth):
                    raise InputError(
                        f"step {form.setting}: {codec.name} has 0 to {codec.steps(depth) - 1}"
                    )
                return self._streams(samples, depth, form.setting)
            case SettingCode.QUALITY:
                setting = Setting(quality=form.setting / 1000)
                codec.check(Frame(samples, depth), setting)
                return self._streams(samples, depth, codec.step(form.setting / 1000, depth))
            case SettingCode.BYTES:
                codec.check(Frame(samples, depth), Setting(bytes=max(1, form.setting)))
                return self._within(samples, depth, form.setting - used)

    def _within(self, samples: Samples, depth: int, budget: int) -> bytes:
        coded: dict[int, bytes] = {}

        def lengths(step: int) -> list[int]:
            if step not in coded:
                coded[step] = self._streams(samples, depth, step)
            return [len(coded[step])]

        ladder = Ladder(lengths, lambda own: own[0], self._codec.steps(depth))
        found = None
        if budget > 0:
            found = fit(ladder, budget, ladder.steps // 2, self._codec.slope)
        if found is None:
            smallest = ladder.size(smallest_step(ladder))
            raise InputError(
                f"{self._codec.name}: a budget of {budget} bytes for a tile; "
                f"the smallest that it can make is {smallest} bytes"
            )
        lengths(found[0])
        return coded[found[0]]

    def _streams(self, samples: Samples, depth: int, step: int) -> bytes:
        """Return the band groups' codestreams; a length precedes each except the last."""
        return encode_groups(self._codec, samples, depth, step)


class StudentTileCoder:
    """A `TileCoder` for the learned codec: one codestream per triple of a tile's bands."""

    def __init__(self, model: StudentModel) -> None:
        self._model = model
        self.codec = _number("student")
        self.software = f"student, {model.engine}"
        self.fingerprint = model.fingerprint
        self.features = int(Feature.STEP | Feature.ROTATION)
        self.most_bands, self.bit_depth = 3, 8

    def encode(self, form: TileForm, tile: bytes) -> bytes:
        """Return the tile's codestream."""
        from ..encoders.student.jobs import TileJob, encode_job

        finest = self._model.entropy.qualities - 1
        if form.setting > finest:
            raise InputError(f"step {form.setting}: student has 0 to {finest}")
        if form.bands not in (1, 3):
            raise InputError(f"{form.bands} bands: student takes 1 or 3")
        if form.bit_depth != 8 or form.flags:
            raise InputError(
                f"bit depth {form.bit_depth}, flags {form.flags}: student takes 8 and 0"
            )
        pixels = np.frombuffer(tile, np.uint8).reshape(form.rows, form.columns, form.bands)
        return encode_job(self._model, TileJob(pixels, form.rotation), form.setting)


def tile_coder(name: str) -> TileCoder:
    """Return the tile coder for a codec of the registry.

    Raises:
        InputError: No such codec, or it cannot encode tiles independently.
    """
    encoder = registry.encoder(name, tile=0)
    if isinstance(encoder, TiledEncoder):
        return StillTileCoder(encoder.codec)
    if TRAITS[name].learned:
        from ..encoders.student.student_model import load

        return StudentTileCoder(load())
    raise InputError(f"codec {name!r} does not code tiles alone: a board cannot run it")


def _number(name: str) -> int:
    return next(number for number, codec in CODECS.items() if codec == name)


def _from_lowest(
    pixels: NDArray[np.integer], form: TileForm, empty: NDArray[np.bool_] | None
) -> Samples:
    """Return a copy of the samples, counted from the lowest allowed value."""
    low = -(1 << (form.bit_depth - 1)) if form.flags & JobFlag.NEGATIVE else 0
    counted = pixels.astype(np.int32) - low
    valid = counted if empty is None else counted[~empty]
    lowest, highest = int(valid.min()), int(valid.max())
    if lowest < 0 or highest >> form.bit_depth:
        raise InputError(
            f"samples from {lowest + low} to {highest + low} in a tile of bit depth "
            f"{form.bit_depth}: allowed are {low} to {low + (1 << form.bit_depth) - 1}"
        )
    return counted.astype(np.uint8 if form.bit_depth <= 8 else np.uint16)
