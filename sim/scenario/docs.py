"""Write docs/scenario.md from the models: `python -m downpass.sim.scenario.docs`.

Keys, units, bounds, defaults and meanings come from the models; stations and processors come from
their tables. Only the introduction and the notes on sections are written here. A test compares the
committed page with the output of this module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ...payload import processors
from . import stations
from .area import AreaSpec
from .bookings import Booking, Bookings
from .climate import ClimateSpec
from .codec import CodecChoice, EncoderChoice
from .describe import choices, keys, models_in, number_of, yaml_value
from .faults import CutSpec, FaultsSpec, PauseSpec, TileFaultSpec
from .ground import Outage, StationSpec, TargetSpec
from .link import MODE_SETS, LinkSpec, ModeSpec, ReceiverSpec
from .orbit import KeplerOrbit, SunSynchronousOrbit, TleOrbit, WalkerOrbit
from .orbit_files import OemOrbit, OmmOrbit
from .rate import RateStep
from .satellite import Policy, SatelliteSpec
from .scenario import Realtime, Report, Scenario
from .spacecraft import (
    ImagerSpec,
    Loads,
    Power,
    ProcessorSpec,
    RecorderSpec,
    StripSpec,
    TransmitterSpec,
)
from .sweep import SweepRange, SweepSpec
from .target_file import TargetFileSpec
from .transfer import TransferSpec, UplinkSpec
from .units import (
    BitsPerSecond,
    Bytes,
    Decibels,
    DecibelsIsotropic,
    DecibelsPerKelvin,
    DecibelWatts,
    Degrees,
    DegreesPerSecond,
    Hertz,
    Joules,
    Kelvins,
    Metres,
    MillimetresPerHour,
    Quantity,
    SamplesPerSecond,
    Seconds,
    SymbolsPerSecond,
    Tiles,
    Watts,
)
from .walker import Walker
from .weather import WeatherSpec

EXAMPLE = """\
# yaml-language-server: $schema=scenario.schema.json
name: first-light
start: 2024-12-02T00:00:00Z
duration: 24 h
satellites:
  - name: sparrow
    orbit: {altitude: 500 km, sun_synchronous: true, local_time: "10:30"}
    imager: {swath: 10.24 km, gsd: 20 m, frame_length: 10.24 km, bands: 3}
    processor: {profile: zynq-7020}
    power:
      battery: 80 Wh
      solar: 40 W
      loads: {idle: 8 W, imaging: 12 W, encoding: 4 W, transmitting: 15 W}
    recorder: {capacity: 16 MB}
    transmitter: {rate: 128 kbit/s}
    codec: {name: jpeg2000, bpp: 1.0}
targets:
  - {name: lisbon, at: [38.72, -9.14]}
stations: [svalbard]
"""

# Title, path in the file, model and additional note of each section.
SECTIONS: tuple[tuple[str, str, type[BaseModel], str], ...] = (
    ("The file", "", Scenario, ""),
    ("A satellite", "satellites[]", SatelliteSpec, ""),
    (
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
    (
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
    (
        "Orbit from an OEM",
        "satellites[].orbit",
        OemOrbit,
        (
            "What an operator's flight dynamics computes: states over time, interpolated as the "
            "file says. [Formats](formats.md#orbits-oem) lists frames, time systems and "
            "interpolations."
        ),
    ),
    (
        "Orbit from elements",
        "satellites[].orbit",
        KeplerOrbit,
        "A circular orbit. The angles hold at the scenario's start.",
    ),
    (
        "Sun-synchronous orbit",
        "satellites[].orbit",
        SunSynchronousOrbit,
        "The altitude sets the inclination, and the local time the node.",
    ),
    (
        "Walker constellation",
        "satellites[].orbit",
        WalkerOrbit,
        (
            "The entry stands for all satellites of the constellation, which differ in name and "
            "orbit alone: `eye` with 6 planes of 4 becomes `eye-1-1` … `eye-6-4`. `--set "
            "satellites.eye.codec.bpp=1` changes all of them."
        ),
    ),
    (
        "Walker's figures",
        "satellites[].orbit.walker",
        Walker,
        (
            "The notation total/planes/phasing of J. G. Walker, *Satellite Constellations*, "
            "J. British Interplanetary Society 37 (1984)."
        ),
    ),
    (
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
    (
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
    (
        "Processor",
        "satellites[].processor",
        ProcessorSpec,
        (
            "Either a [profile](#processors), or `encode_rate` and `working_memory` of your own, "
            "or a profile of which some figures are replaced by yours."
        ),
    ),
    ("Power", "satellites[].power", Power, ""),
    ("Loads", "satellites[].power.loads", Loads, ""),
    ("Recorder", "satellites[].recorder", RecorderSpec, ""),
    ("Transmitter", "satellites[].transmitter", TransmitterSpec, "Give `rate` or `link`."),
    ("Rate steps", "satellites[].transmitter.rate[]", RateStep, ""),
    (
        "Link",
        "satellites[].transmitter.link",
        LinkSpec,
        (
            "Give `eirp`, or `power` and `antenna_gain`. [The link](link.md) has the formulas; "
            "`downpass link FILE` prints the budget line by line."
        ),
    ),
    ("Modes", "satellites[].transmitter.link.modes[]", ModeSpec, ""),
    (
        "Transfer",
        "satellites[].transmitter.transfer",
        TransferSpec,
        (
            "`transfer: acknowledged` takes the defaults of the other figures. "
            "[File transfer](transfer.md) describes the modes."
        ),
    ),
    ("Uplink", "satellites[].transmitter.transfer.uplink", UplinkSpec, ""),
    (
        "Codec",
        "satellites[].codec",
        CodecChoice,
        (
            "Give exactly one of `quality`, `bpp` and `bytes`. `--set satellites.0.codec.bpp=0.5` "
            "replaces whichever the file has."
        ),
    ),
    (
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
    (
        "Faults",
        "satellites[].encoder.faults",
        FaultsSpec,
        (
            "Shares of frames count in each direction. "
            "[Boards](boards.md#faults-on-purpose) describes how they are injected, and what of "
            "them repeats."
        ),
    ),
    (
        "A cut",
        "satellites[].encoder.faults.cut",
        CutSpec,
        "Give exactly one of `every`, `tiles`, `share` and `at`.",
    ),
    (
        "A stall or a reboot",
        "satellites[].encoder.faults.stall",
        PauseSpec,
        "`reboot` is written in the same way. Give exactly one of `every`, `tiles` and `share`.",
    ),
    (
        "A fault of tiles",
        "satellites[].encoder.faults.wrong",
        TileFaultSpec,
        "`refuse` is written in the same way. Give exactly one of `every`, `tiles` and `share`.",
    ),
    ("Policy", "satellites[].policy", Policy, ""),
    (
        "A target",
        "targets[]",
        TargetSpec,
        (
            "Give exactly one of `at`, `polygon` and `area`. A polygon's edges take the short way, "
            "over the antimeridian too."
        ),
    ),
    (
        "An area",
        "targets[].area",
        AreaSpec,
        (
            "The land of the Earth, which imagers of mode `strip` take in [strips](#strips). "
            "`area: land` is all of it. Latitudes, longitudes and exclusions limit it; a coast "
            "extends it."
        ),
    ),
    (
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
    (
        "A station",
        "stations[]",
        StationSpec,
        (
            "A name of the [shipped table](#stations) will do: `- svalbard`. "
            "`- {use: svalbard, antennas: 1}` takes its figures and changes some; with a `name` "
            "it gets another name."
        ),
    ),
    ("An outage", "stations[].outages[]", Outage, ""),
    ("Receiver", "stations[].receiver", ReceiverSpec, "Give `g_over_t` or `diameter`."),
    (
        "Climate of a station",
        "stations[].climate",
        ClimateSpec,
        "`climate: {rain_rate: 40 mm/h}`: [how rain weakens a link](link.md).",
    ),
    (
        "Weather",
        "weather",
        WeatherSpec,
        (
            "`weather: drawn` and `weather: none` are short for `{rain: drawn}` and "
            "`{rain: none}`. [docs/link.md](link.md#weather) describes the model."
        ),
    ),
    (
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
    ("A booking", "stations[].bookings.passes[]", Booking, ""),
    (
        "Realtime",
        "realtime",
        Realtime,
        "`realtime: true` takes a second for a second.",
    ),
    ("Report", "report", Report, ""),
    ("Sweep", "sweep", SweepSpec, "[A page of its own](sweep.md) shows a sweep and its results."),
    ("A range", "sweep.over.*", SweepRange, ""),
)

_KINDS: tuple[tuple[str, type[Quantity]], ...] = (
    ("duration", Seconds),
    ("length", Metres),
    ("rain rate", MillimetresPerHour),
    ("amount of data", Bytes),
    ("data rate", BitsPerSecond),
    ("power", Watts),
    ("energy", Joules),
    ("angle", Degrees),
    ("turning rate", DegreesPerSecond),
    ("coding rate", SamplesPerSecond),
    ("number of tiles", Tiles),
    ("frequency", Hertz),
    ("symbol rate", SymbolsPerSecond),
    ("temperature", Kelvins),
    ("ratio", Decibels),
    ("antenna gain", DecibelsIsotropic),
    ("EIRP", DecibelWatts),
    ("G/T", DecibelsPerKelvin),
)

_INTRODUCTION = f"""\
# Scenario files

A scenario says what flies, what it looks at, who listens, and how the pictures are compressed.
It is one YAML file. This is a whole one:

```yaml
{EXAMPLE}```

`downpass validate FILE` checks it and names every fault at once, with its line.
`downpass run FILE` runs it. The first line lets an editor complete and check the file while
you type (VS Code with the YAML extension, and others); `downpass schema` prints the schema
that it names. Longer examples lie in `scenarios/`.

## How to write it

- **Numbers that have a unit carry it**: `500 km`, `150 Mbit/s`, `2 GB`, `80 Wh`. A bare `500`
  is refused, because nobody can see what it means; `0` is zero in every unit. GB is 10⁹ bytes
  and GiB 2³⁰; Mbit is a million bits and MB a million bytes.
- **Times are in UTC** and say so with a `Z`: `2024-12-02T05:00:00Z`.
- **Places** are `[latitude, longitude]` in degrees, north and east positive.
- **Paths** of scenes are relative to the scenario file.
- YAML's anchors work, and `<<: *name` takes over a mapping and changes parts of it
  (`scenarios/constellation.yaml` shows how). YAML is read as version 1.2: `10:30` is text, and
  `yes` is not true.
- A file may have 1 MB, 32 levels, keys of 100 and texts of 20,000 characters; 250,000 values and
  8 million characters in all, aliases counted each time.

| kind | units |
|---|---|
"""

_OVERRIDES = """\
## Changes from the command line

`downpass run`, `downpass validate` and the others take `--set FIELD=VALUE` as often as you like.
The field is its path in the file, an element of a list is named by its number from 0, by its
name, or `*` for all; the value is written as in the file.

```sh
downpass run scenarios/quickstart.yaml --set satellites.0.codec.bpp=0.5
downpass run scenarios/quickstart.yaml --set satellites.sparrow.recorder.capacity='64 MB'
downpass run scenarios/quickstart.yaml --set 'stations=[svalbard, trollsat]' --set seed=2
downpass run scenarios/constellation.yaml --set 'satellites.*.codec.name=jpeg2000'
```

"""


def page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION]
    parts += [f"| {kind} | {', '.join(f'`{u}`' for u in q.units)} |\n" for kind, q in _KINDS]
    parts += ["\n", _OVERRIDES]
    for title, where, model, note in SECTIONS:
        parts += _section(title, where, model, note)
    parts += _stations()
    parts += _processors()
    return "".join(parts)


def example(model: type[BaseModel]) -> str:
    """Return a section as a file might have it, made of its fields' examples."""
    skipped = {
        # Alternatives to a field that the example has.
        CodecChoice: {"quality", "bytes"},
        TargetSpec: {"polygon", "area"},
        WeatherSpec: {"availability"},
        TransmitterSpec: {"link"},
        LinkSpec: {"power", "antenna_gain", "line_loss", "mode", "availability"},
        AreaSpec: {"longitude"},
        ProcessorSpec: set(),
        TransferSpec: {"inactivity_timeout"},
        Bookings: {"passes", "plan"},
        CutSpec: {"every", "tiles", "share"},
        PauseSpec: {"tiles", "share"},
        TileFaultSpec: {"every", "tiles"},
    }.get(model, set())
    lines: list[str] = []
    for key, field in keys(model):
        if key in skipped:
            continue
        lines += _example_lines(key, field)
    return "\n".join(lines) + "\n"


def _example_lines(key: str, field: FieldInfo) -> Iterator[str]:
    inner = next(models_in(field.annotation), None)
    if key == "tle":
        yield "tle: |"
        yield "  1 40697U 15028A   24337.14457616  .00000519  00000-0  21480-3 0  9998"
        yield "  2 40697  98.5704  48.9920 0001011  93.0957 267.0342 14.30811188493363"
    elif field.is_required() and (inner := next(models_in(field.annotation), None)) in (
        Loads,
        Walker,
    ):
        yield f"{key}:"
        yield from (f"  {line}" for line in example(inner).splitlines())
    elif field.examples:
        yield f"{key}: {yaml_value(field.examples[0])}"
    elif field.default is not PydanticUndefined and not isinstance(field.default, BaseModel):
        if field.default not in ((), "", None):
            yield f"{key}: {yaml_value(field.default)}"
    elif choices(field.annotation):
        yield f"{key}: {choices(field.annotation)[0]}"


def _section(title: str, where: str, model: type[BaseModel], note: str) -> Iterator[str]:
    yield f"## {title}\n\n"
    yield f"{(model.__doc__ or '').strip().splitlines()[0]}"
    yield f" It stands at `{where}`.\n\n" if where else "\n\n"
    if note:
        yield f"{note}\n\n"
    yield "| key | what to write | default | meaning |\n|---|---|---|---|\n"
    for key, field in keys(model):
        kind = _kind(model, key, field).replace("|", "\\|")
        yield f"| `{key}` | {kind} | {_default(model, key, field)} | {field.description} |\n"
    yield "\n"
    text = example(model)
    if model in (Scenario, SatelliteSpec):
        return  # the example at the top shows these
    yield f"```yaml\n{text}```\n\n"


def _kind(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    number = number_of(field)
    if key == "rate" and model in (TransmitterSpec, StationSpec):
        return "data rate, or a list of [steps](#rate-steps)"
    if model is LinkSpec and key == "modes":
        return ", ".join(f"`{name}`" for name in MODE_SETS) + ", or a list of [modes](#modes)"
    if model is ProcessorSpec and key == "encode_rate":
        return f"codec: coding rate, {_bounds(number)}"
    if model is CutSpec and key == "at":
        return f"list of durations, {_bounds(number)}"
    if model is SweepRange and key in ("from", "to", "step"):
        return "number, with its unit if the field has one"
    if model is SweepSpec and key == "over":
        return "fields, each with a list of values or [a range](#a-range)"
    inner = next(models_in(field.annotation), None)
    if inner is TargetSpec:
        return "list of [targets](#a-target), or [a file](#targets-from-a-file)"
    if inner is Bookings:
        return "list of [times](#a-booking), path of a contact plan, or [a mapping](#bookings)"
    if inner is WeatherSpec:
        return "`drawn`, `none`, or [a mapping](#weather)"
    if inner is AreaSpec:
        return "`land`, or [a mapping](#an-area)"
    if inner is Realtime:
        return "`true`, `false`, or [a mapping](#realtime)"
    if inner is TransferSpec:
        modes = choices(TransferSpec.model_fields["mode"].annotation)
        return ", ".join(f"`{mode}`" for mode in modes) + ", or [a mapping](#transfer)"
    if inner is not None:
        titles = [(t, m) for t, _, m, _ in SECTIONS if m in list(models_in(field.annotation))]
        links = " or ".join(f"[{t.lower()}](#{_anchor(t)})" for t, _ in titles)
        return f"list of {links}" if "tuple" in str(field.annotation) else links
    if isinstance(number, Quantity):
        name = next(kind for kind, quantity in _KINDS if isinstance(number, quantity))
        return f"{name}, {_bounds(number)}" + _or_null(field)
    if number is not None:
        return f"{number.kind} {number.bounds}" + _or_null(field)
    words = choices(field.annotation)
    if words and model is ReceiverSpec:
        return "list of " + ", ".join(f"`{word}`" for word in words)
    if words and words != ["True"]:
        return ", ".join(f"`{word}`" for word in words)
    return _OTHER_KINDS.get(key, "text")


_OTHER_KINDS = {
    "sun_synchronous": "`true`",
    "local_time": "time of day in quotes",
    "tle": "two or three lines",
    "omm": "path",
    "plan": "path",
    "oem": "path",
    "object": "name or number",
    "port": "text, or `emulator:NAME`",
    "file": "path",
    "priority_values": "value: whole number 1 to 9",
    "start": "moment",
    "from": "moment",
    "to": "moment",
    "at": "[latitude, longitude]",
    "polygon": "list of [latitude, longitude]",
    "latitude": "[south, north]",
    "longitude": "[west, east]",
    "exclude": "list of `antarctica`, `greenland`",
    "tiles": "list of whole numbers from 1",
    "scenes": "list of paths",
    "bands": "list of whole numbers, or one",
    "profile": "[name](#processors)",
    "horizon": "list of [azimuth, elevation]",
    "fallback": "list of names",
    "mode": "name",
    "pilots": "`true` or `false`",
    "name": "name",
}


def _bounds(number: Any) -> str:
    return str(number.bounds)


def _or_null(field: FieldInfo) -> str:
    # Only if `null` differs from leaving the key out.
    optional = type(None) in getattr(field.annotation, "__args__", ())
    return ", or `null`" if optional and field.default is not None else ""


def _default(model: type[BaseModel], key: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return "**required**"
    number = number_of(field)
    if model is ProcessorSpec and key in ("encode_rate", "working_memory"):
        return "the profile's"
    if model is Scenario and key == "weather":
        return "`drawn`"
    if field.default in (None, (), "", {}):
        return "none"
    if isinstance(field.default, BaseModel):
        return "its defaults"
    if isinstance(number, Quantity) and isinstance(field.default, int | float):
        return f"`{type(number).written(field.default)}`"
    return f"`{yaml_value(field.default)}`"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _stations() -> Iterator[str]:
    yield "## Stations\n\n"
    yield (
        "The table that ships. Positions are public knowledge to about a kilometre, which moves "
        "AOS and LOS by some 0.2 s; masks and numbers of antennas are sensible guesses that a "
        "scenario may change.\n\n"
        "| name | latitude, longitude | altitude | mask | antennas | whose |\n"
        "|---|---|---|---|---|---|\n"
    )
    for name in stations.names():
        row = stations.table()[name]
        latitude, longitude = row["at"]
        yield (
            f"| `{name}` | {latitude:.3f}, {longitude:.3f} | {row['altitude']} "
            f"| {row['elevation_mask']} | {row['antennas']} | {row['source']} |\n"
        )
    yield "\n"


def _processors() -> Iterator[str]:
    yield "## Processors\n\n"
    yield (
        "The profiles that ship. Rates are in Msample/s (a sample is one pixel of one band), for "
        "one core that codes while the others run the rest. Hardly anybody publishes how fast an "
        "onboard computer runs a codec, so they are **derived** from rates measured on one "
        "x86-64 core by the ratio of Dhrystone figures: expect them to be off by a factor of two "
        "or three. If you have measured, put your figure into `encode_rate`. The `student` is the "
        "light learned encoder.\n\n"
    )
    profiles = [processors.profile(name) for name in processors.names()]
    codecs = list(profiles[0].encode_rate)
    yield f"| name | clock | memory | idle, active | {' | '.join(codecs)} |\n"
    yield "|---" * (4 + len(codecs)) + "|\n"
    for profile in profiles:
        rates = " | ".join(f"{profile.encode_rate[codec] / 1e6:g}" for codec in codecs)
        yield (
            f"| `{profile.name}` | {profile.cores} of {profile.clock_hz / 1e6:g} MHz "
            f"| {profile.memory_bytes / 2**30:g} GiB "
            f"| {profile.idle_w:g} W, {profile.active_w:g} W | {rates} |\n"
        )
    yield "\n### Where the figures come from\n\n"
    for profile in profiles:
        yield f"**`{profile.name}`**: {profile.description}.\n\n"
        for figure, source in profile.sources.items():
            yield f"- `{figure}`: {source}\n"
        yield "\n"


def main() -> None:
    """Print the page."""
    sys.stdout.write(page().rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
