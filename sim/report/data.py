"""The input of a report: the results of one run as a single value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Track:
    """The ground track of a satellite: subpoints, in order of time.

    Attributes:
        time_s: Seconds since the scenario's start, ascending.
        latitude_deg: Geodetic latitude of the subpoint, −90…90.
        longitude_deg: Longitude of the subpoint, east positive; any whole number of turns.
    """

    time_s: NDArray[np.float64]
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TargetSite:
    """A target on the map: a point, or an area with a point that represents it.

    Attributes:
        name: The target's name, as the scenario gives it.
        latitude_deg: Latitude of the point, or of the point that represents the area.
        longitude_deg: Its longitude, east positive.
        priority: 1 (low) … 9 (high).
        outline: (latitude, longitude) of the polygon's corners in degrees; empty for a point, and
            for an area that is named.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    priority: int = 5
    outline: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class StationSite:
    """A ground station on the map."""

    name: str
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True)
class TradeoffPoint:
    """What one codec at one setting delivers in this scenario, and with which quality.

    Attributes:
        codec: The codec's name; points of one name make one curve.
        setting: The setting as people write it, such as "0.5 bpp" or "q80".
        bpp: Mean bits per pixel of the encoded frames, over all bands.
        psnr_db: PSNR pooled over the delivered frames; infinite if all are exact, None without
            pixels.
        ms_ssim: Mean MS-SSIM of the delivered frames; None without pixels.
        delivered_px: Pixels (rows × columns) that reached the ground.
        delivered_whole: Frames that reached the ground whole.
        delivered_damaged: Frames that were sent to their end and have lost something.
        in_part: Frames whose transfer had begun and not ended.
        is_this_run: Whether this point is the setting of the report's run.
    """

    codec: str
    setting: str
    bpp: float
    psnr_db: float | None
    ms_ssim: float | None
    delivered_px: float
    delivered_whole: int
    delivered_damaged: int
    in_part: int
    is_this_run: bool = False


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of one frame, as captured and as delivered.

    Attributes:
        frame: The frame's number, unique in the run.
        target: The name of the target that it shows.
        bpp: Bits per pixel of the encoded frame.
        psnr_db: PSNR of the frame against the original; infinite if it is exact, None if it could
            not be measured.
        original: uint8, height × width × 3, stretched for display.
        delivered: The same, with the same stretch.
        note: One sentence on the stretch or the bands shown; may be empty.
    """

    frame: int
    target: str
    bpp: float
    psnr_db: float | None
    original: NDArray[np.uint8]
    delivered: NDArray[np.uint8]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModeSpan:
    """A stretch of a pass in which one mode is sent.

    Attributes:
        start_s: Start in seconds of the run.
        end_s: End in seconds of the run.
        mode: Name of the mode; empty where nothing is sent.
        required_db: Es/N0 in dB that the mode needs; NaN where nothing is sent.
        lost: Why everything sent is lost; empty if the mode is received.
    """

    start_s: float
    end_s: float
    mode: str
    required_db: float
    lost: str


@dataclass(frozen=True, slots=True, eq=False)
class LinkPassView:
    """A pass of a link with a budget, as the report draws it.

    Attributes:
        satellite: Name of the satellite.
        station: Name of the station.
        which: Which of the link's passes it is, such as "best of 12 passes".
        max_elevation_deg: Elevation at culmination in degrees.
        time_s: Times from AOS to LOS in seconds of the run.
        es_n0_db: Es/N0 at these times in dB.
        clear_db: Es/N0 at these times under a clear sky, in dB.
        spans: What is sent, without gaps.
        received_bytes: Bytes that the pass carries in modes that are received.
        lost_bytes: Bytes that it carries in modes that are not.
    """

    satellite: str
    station: str
    which: str
    max_elevation_deg: float
    time_s: NDArray[np.float64]
    es_n0_db: NDArray[np.float64]
    clear_db: NDArray[np.float64]
    spans: Sequence[ModeSpan]
    received_bytes: int
    lost_bytes: int


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One line of a link budget at the best and at the worst moment of the run."""

    name: str
    best: float
    worst: float
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link with a budget over the whole run.

    Attributes:
        satellite: Name of the satellite.
        station: Name of the station.
        passes: Number of passes.
        no_contact: Why the station cannot receive the satellite; empty if it can.
        largest_fade_db: Largest excess attenuation in a pass, in dB.
        time_s: Time of all passes together.
        faded_s: Part of it in which the excess attenuation is above 1 dB.
        received_bytes: Bytes that the passes carry in modes that are received.
        lost_bytes: Bytes that they carry in modes that are not.
        best: Title of the best moment; empty without one.
        worst: Title of the worst moment.
        budget: The budget at both.
        drawn: The passes that are drawn.
    """

    satellite: str
    station: str
    passes: int
    no_contact: str
    largest_fade_db: float
    time_s: float
    faded_s: float
    received_bytes: int
    lost_bytes: int
    best: str
    worst: str
    budget: Sequence[BudgetRow]
    drawn: Sequence[LinkPassView]


@dataclass(frozen=True, slots=True)
class Description:
    """A part of the scenario in words.

    Attributes:
        title: What is described, such as "Satellite sparrow".
        facts: (what, in words), in the order in which they are shown.
    """

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class BatteryView:
    """The battery of a satellite over the run, as the report draws it. Charges are 0 to 1.

    Attributes:
        capacity_j: Usable energy of the full battery in joules.
        bin_s: Width of a bin in seconds; the first begins at the run's start.
        lowest: Lowest state of charge in each bin.
        highest: Highest state of charge in each bin.
        minimum: Lowest state of charge of the run.
        minimum_s: When it was first reached, in seconds of the run.
        end: State of charge at the end.
        low_s: Seconds for which imaging, encoding and sending waited for charge.
        min_charge: State of charge at which they stop.
        resume_charge: State of charge at which they go on.
    """

    capacity_j: float
    bin_s: float
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    minimum: float
    minimum_s: float
    end: float
    low_s: float
    min_charge: float
    resume_charge: float


@dataclass(frozen=True, slots=True)
class ReportData:
    """The data that the report of one run shows.

    The tables have the columns of the result files of the same names and refer to satellites,
    stations and targets by name. A table without rows must still have its columns.

    Attributes:
        scenario_name: The scenario's name.
        description: The scenario's description; may be empty.
        start: The scenario's start, aware, UTC.
        duration_s: The scenario's length in seconds.
        seed: The seed of the run.
        version: The version of downpass that ran it.
        command: The command that repeats the run.
        codecs: For every satellite, in order, its codec and setting as people write them.
        summary: The content of summary.json.
        frames: One row a frame.
        events: One row an event, ascending in time.
        passes: One row a pass.
        accesses: One row an imaging opportunity.
        eclipses: Per satellite, (start, end) of each eclipse in seconds.
        tracks: Per satellite, its ground track; of a large constellation, those that are drawn, and
            of the others the place at the start.
        targets: The targets.
        stations: The ground stations.
        tradeoff: What other settings would deliver; may be empty.
        left_out: Parts of the report that could not be made, each with its reason; may be empty.
        tradeoff_note: How those figures were obtained, in a sentence; may be empty.
        crops: Frames for the slider; may be empty.
        recorder_bytes: Per satellite, the capacity of its recorder; may be empty.
        links: Links with a budget; may be empty.
        links_left_out: Number of links with a budget that `links` leaves out.
        batteries: The battery of each satellite whose power is modelled; may be empty.
        board_tiles: One row a job of a board; None without a board.
        scenario: The scenario in words; may be empty.
        scenario_yaml: The scenario as YAML; empty if it was made in Python or is too long.
    """

    scenario_name: str
    description: str
    start: datetime
    duration_s: float
    seed: int
    version: str
    command: str
    codecs: Mapping[str, str]
    summary: Mapping[str, Any]
    frames: pa.Table
    events: pa.Table
    passes: pa.Table
    accesses: pa.Table
    eclipses: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    tracks: Mapping[str, Track] = field(default_factory=dict)
    targets: Sequence[TargetSite] = ()
    stations: Sequence[StationSite] = ()
    tradeoff: Sequence[TradeoffPoint] = ()
    crops: Sequence[Crop] = ()
    recorder_bytes: Mapping[str, int] = field(default_factory=dict)
    tradeoff_note: str = ""
    left_out: Sequence[str] = ()
    links: Sequence[LinkView] = ()
    links_left_out: int = 0
    batteries: Mapping[str, BatteryView] = field(default_factory=dict)
    board_tiles: pa.Table | None = None
    scenario: Sequence[Description] = ()
    scenario_yaml: str = ""

    @property
    def satellites(self) -> tuple[str, ...]:
        """The satellites' names, in the scenario's order."""
        return tuple(self.codecs)

    @property
    def total(self) -> Mapping[str, Any]:
        """The summary's block over all satellites."""
        return dict(self.summary.get("total", {}))


def numbers(table: pa.Table, column: str) -> NDArray[np.float64]:
    """Return a column as float64, with NaN for missing values."""
    found: NDArray[np.float64] = table.column(column).cast(pa.float64()).to_numpy()
    return found


def codes(table: pa.Table, column: str) -> tuple[NDArray[np.intp], list[str]]:
    """Return a column of text as numbers, and the text of each; missing values are "".

    Numbers are compared fifty times as fast as texts.
    """
    encoded = table.column(column).cast(pa.string()).fill_null("").dictionary_encode()
    encoded = encoded.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else None
    if encoded is None or not len(encoded):
        return np.array([], dtype=np.intp), []
    found: NDArray[np.intp] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp)
    return found, encoded.dictionary.to_pylist()


def names(table: pa.Table, column: str) -> NDArray[np.object_]:
    """Return a column as text, with "" for missing values; equal texts are one object."""
    code, words = codes(table, column)
    found: NDArray[np.object_] = np.array(words, dtype=object)[code]
    return found


def rows_by(table: pa.Table, column: str) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each name in a column, in their order, in one pass over the table."""
    code, words = codes(table, column)
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(words) + 1))
    return {word: order[edges[n] : edges[n + 1]] for n, word in enumerate(words)}


def of(table: pa.Table, satellite: str) -> pa.Table:
    """Return the rows of one satellite; for all satellites, use `rows_by`."""
    return table.filter(pc.equal(table.column("satellite").cast(pa.string()), satellite))
