"""The sections of docs/scenario.md: one for each model, with a note on how it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from ..area import AreaSpec
from ..bookings import Booking, Bookings
from ..climate import ClimateSpec
from ..codec import CodecChoice, EncoderChoice
from ..describe import models_in
from ..faults import CutSpec, FaultsSpec, PauseSpec, TileFaultSpec
from ..ground import GroundSpec, Outage, StationSpec, TargetSpec
from ..imager import ImagerSpec, StripSpec
from ..link import LinkSpec, ModeSpec, ReceiverSpec
from ..orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from ..orbit_files import OemOrbit, OmmOrbit
from ..processor import ProcessorSpec
from ..rate import RateStep
from ..satellite import Policy, SatelliteSpec
from ..scenario import Realtime, Report, Scenario
from ..spacecraft import Loads, Power, RecorderSpec, TransmitterSpec
from ..sweep import SweepRange, SweepSpec
from ..target_file import TargetFileSpec
from ..transfer import TransferSpec, UplinkSpec
from ..walker import Walker
from ..weather import WeatherSpec


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Attributes:
        title: The heading.
        path: Where the model's fields stand in a scenario file; empty for the whole file.
        model: The model, whose docstring and fields fill the section.
        note: What the reader should know besides, in Markdown.
    """

    title: str
    path: str
    model: type[BaseModel]
    note: str = ""

    @property
    def link(self) -> str:
        """A link to this section."""
        title = self.title.lower()
        anchor = title.replace("'", "").replace(" ", "-")  # as GitHub makes it
        return f"[{title}](#{anchor})"


SECTIONS: Final[tuple[Section, ...]] = (
    Section("The file", "", Scenario),
    Section("A satellite", "satellites[]", SatelliteSpec),
    Section(
        "Orbit from a TLE",
        "satellites[].orbit",
        TleOrbit,
        (
            "An orbit takes exactly one of these forms. This one is what a flying satellite has. "
            "Elements age: `downpass validate` warns of a run that reaches more than two weeks "
            "from their epoch, because passes drift by tens of seconds. Each field is checked in "
            "its columns; catalogue numbers may be Alpha-5, and the ephemeris type is 0, since "
            "others (4, of SGP4-XP) are elements of another theory. Quote nothing: YAML's `|` "
            "keeps the lines as they are."
        ),
    ),
    Section(
        "Orbit from an OMM",
        "satellites[].orbit",
        OmmOrbit,
        (
            "The elements of a TLE in CCSDS's format, which has room for catalogue numbers of six "
            "digits and which CelesTrak and Space-Track publish. The file is JSON, XML or KVN; "
            "[formats](formats.md#orbits-tle-and-omm) says what is read. Elements age as those of "
            "a TLE do."
        ),
    ),
    Section(
        "Orbit from an OEM",
        "satellites[].orbit",
        OemOrbit,
        (
            "What an operator's flight dynamics computes: states over time, interpolated as the "
            "file says. [Formats](formats.md#orbits-oem) lists frames, time systems and "
            "interpolations."
        ),
    ),
    Section(
        "Orbit from elements",
        "satellites[].orbit",
        KeplerOrbit,
        "A circular orbit. The angles hold at the scenario's start.",
    ),
    Section(
        "Sun-synchronous orbit",
        "satellites[].orbit",
        SunSynchronousOrbit,
        "The altitude sets the inclination, and the local time the node.",
    ),
    Section(
        "Walker constellation",
        "satellites[].orbit",
        WalkerOrbit,
        (
            "The entry stands for all satellites of the constellation, which differ in name and "
            "orbit alone: `eye` with 6 planes of 4 becomes `eye-1-1` … `eye-6-4`. `--set "
            "satellites.eye.codec.bpp=1` changes all of them."
        ),
    ),
    Section(
        "Walker's figures",
        "satellites[].orbit.walker",
        Walker,
        (
            "The notation total/planes/phasing of J. G. Walker, *Satellite Constellations*, "
            "J. British Interplanetary Society 37 (1984)."
        ),
    ),
    Section(
        "Imager",
        "satellites[].imager",
        ImagerSpec,
        (
            "One frame covers swath by frame_length, so it has swath/gsd by frame_length/gsd "
            "pixels. A target is imaged while the swath can cover a part of it over which the sun "
            "stands high enough: the imager is turned by up to `off_nadir_limit`, and the swath "
            "reaches half its width farther on the ground. An imager that only looks straight "
            "down has `off_nadir_limit: 0 deg`. Of an area no second in view is missed; its frames "
            "follow each other from where the satellite is abeam of the first part in reach to "
            "where it is abeam of the last. A frame takes as long as the point below the "
            "satellite needs for `frame_length` then. In an eccentric orbit swath and GSD are "
            "taken as constant, which a camera's are not."
        ),
    ),
    Section(
        "Strips",
        "satellites[].imager.strip",
        StripSpec,
        (
            "What a push-broom imager of `mode: strip` takes of an area. A strip is a continuous "
            "acquisition: whole frames that follow each other at one roll angle. The track is "
            "searched in cells of a quarter of the swath, 4 to 10 km, for roll angles (at most "
            "15, evenly spaced up to the off-nadir limit) at which the swath covers some of the "
            "area in enough sunlight; what lies farther out than the limit but within the field "
            "of view is covered too. Of each access, the strip with the most wanted ground is "
            "planned first, then the next one, as turns and settling between strips allow. Areas "
            "that are much narrower than the swath are taken in one frame, as in mode `frame`. "
            "docs/missions.md has whole missions."
        ),
    ),
    Section(
        "Processor",
        "satellites[].processor",
        ProcessorSpec,
        (
            "Either a [profile](#processors), or `encode_rate` and `working_memory` of your own, "
            "or a profile of which some figures are replaced by yours."
        ),
    ),
    Section("Power", "satellites[].power", Power),
    Section("Loads", "satellites[].power.loads", Loads),
    Section("Recorder", "satellites[].recorder", RecorderSpec),
    Section("Transmitter", "satellites[].transmitter", TransmitterSpec, "Give `rate` or `link`."),
    Section("Rate steps", "satellites[].transmitter.rate[]", RateStep),
    Section(
        "Link",
        "satellites[].transmitter.link",
        LinkSpec,
        (
            "Give `eirp`, or `power` and `antenna_gain`. [The link](link.md) has the formulas; "
            "`downpass link FILE` prints the budget line by line."
        ),
    ),
    Section("Modes", "satellites[].transmitter.link.modes[]", ModeSpec),
    Section(
        "Transfer",
        "satellites[].transmitter.transfer",
        TransferSpec,
        (
            "`transfer: acknowledged` takes the defaults of the other figures. "
            "[File transfer](transfer.md) describes the modes."
        ),
    ),
    Section("Uplink", "satellites[].transmitter.transfer.uplink", UplinkSpec),
    Section(
        "Codec",
        "satellites[].codec",
        CodecChoice,
        (
            "Give exactly one of `quality`, `bpp` and `bytes`. `--set satellites.0.codec.bpp=0.5` "
            "replaces whichever the file has."
        ),
    ),
    Section(
        "Encoder",
        "satellites[].encoder",
        EncoderChoice,
        (
            "A [board](boards.md) makes the bitstreams that fly, and its encode times count; the "
            "time on the serial line does not, and is reported apart. Every bitstream is compared "
            "with the one made in this process; a difference is an error. A board codes at a "
            "`quality`, and tiles as large as it says (`downpass board probe PORT`)."
        ),
    ),
    Section(
        "Faults",
        "satellites[].encoder.faults",
        FaultsSpec,
        (
            "Shares of frames count in each direction. "
            "[Boards](boards.md#faults-on-purpose) describes how they are injected, and what of "
            "them repeats."
        ),
    ),
    Section(
        "A cut",
        "satellites[].encoder.faults.cut",
        CutSpec,
        "Give exactly one of `every`, `tiles`, `share` and `at`.",
    ),
    Section(
        "A stall or a reboot",
        "satellites[].encoder.faults.stall",
        PauseSpec,
        "`reboot` is written in the same way. Give exactly one of `every`, `tiles` and `share`.",
    ),
    Section(
        "A fault of tiles",
        "satellites[].encoder.faults.wrong",
        TileFaultSpec,
        "`refuse` is written in the same way. Give exactly one of `every`, `tiles` and `share`.",
    ),
    Section("Policy", "satellites[].policy", Policy),
    Section(
        "A target",
        "targets[]",
        TargetSpec,
        (
            "Give exactly one of `at`, `polygon` and `area`. A polygon's edges take the short way, "
            "over the antimeridian too."
        ),
    ),
    Section(
        "An area",
        "targets[].area",
        AreaSpec,
        (
            "The land of the Earth, which imagers of mode `strip` take in [strips](#strips). "
            "`area: land` is all of it. Latitudes, longitudes and exclusions limit it; a coast "
            "extends it."
        ),
    ),
    Section(
        "Targets from a file",
        "targets",
        TargetFileSpec,
        (
            "In place of the list, `targets: {file: cities.geojson}` takes all places of a file; "
            "as an entry of the list, it adds them. GeoJSON (RFC 7946) and CSV are read without "
            "anything else installed, GeoPackage and KML with `pip install downpass[gis]`. "
            "Coordinates are WGS 84. A polygon with a hole is refused."
        ),
    ),
    Section(
        "A station",
        "stations[]",
        StationSpec,
        (
            "A name of the [shipped table](#stations) will do: `- svalbard`. "
            "`- {use: svalbard, antennas: 1}` takes its figures and changes some; with a `name` "
            "it gets another name."
        ),
    ),
    Section("An outage", "stations[].outages[]", Outage),
    Section("Receiver", "stations[].receiver", ReceiverSpec, "Give `g_over_t` or `diameter`."),
    Section(
        "Climate of a station",
        "stations[].climate",
        ClimateSpec,
        "`climate: {rain_rate: 40 mm/h}`: [how rain weakens a link](link.md).",
    ),
    Section(
        "Ground",
        "ground",
        GroundSpec,
        "[The learned codec](codec.md#decoders) has the figures of both decoders.",
    ),
    Section(
        "Weather",
        "weather",
        WeatherSpec,
        (
            "`weather: drawn` and `weather: none` are short for `{rain: drawn}` and "
            "`{rain: none}`. [docs/link.md](link.md#weather) describes the model."
        ),
    ),
    Section(
        "Bookings",
        "stations[].bookings",
        Bookings,
        (
            "Give exactly one of the three. What is not booked is not used, and the table of "
            "passes says `not booked`. [Formats](formats.md#contact-plans) describes the files. "
            "`per_day` books the longest passes first, because length is known days ahead and "
            "weather is not, and only as many at once as the station has antennas."
        ),
    ),
    Section("A booking", "stations[].bookings.passes[]", Booking),
    Section(
        "Realtime",
        "realtime",
        Realtime,
        "`realtime: true` takes a second for a second.",
    ),
    Section("Report", "report", Report),
    Section(
        "Sweep", "sweep", SweepSpec, "[A page of its own](sweep.md) shows a sweep and its results."
    ),
    Section("A range", "sweep.over.*", SweepRange),
)


def sections_of(annotation: Any) -> Iterator[Section]:
    """Yield the sections of all models in an annotation."""
    models = list(models_in(annotation))
    yield from (section for section in SECTIONS if section.model in models)
