"""Put docs/scenario.md together: introduction, sections, stations and processors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..describe import keys
from ..satellite import SatelliteSpec
from ..scenario import Scenario
from .columns import QUANTITIES, default, what_to_write
from .examples import section_example
from .sections import SECTIONS, Section
from .shipped import processors_table, stations_table

EXAMPLE: Final = """\
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
"""A whole scenario, with which the page begins."""

_INTRODUCTION: Final = f"""\
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

"""

_OVERRIDES: Final = """\
## Changes from the command line

`downpass run`, `downpass validate` and the others take `--set FIELD=VALUE` as often as you like.
The field is its path in the file, an element of a list is named by its number from 0, by its
name, or `*` for all; the value is written as in the file. A number that is also the name of another
element is refused: what is in quotes, as in `'satellites."1".codec.bpp=2'`, is a name.

```sh
downpass run scenarios/quickstart.yaml --set satellites.0.codec.bpp=0.5
downpass run scenarios/quickstart.yaml --set satellites.sparrow.recorder.capacity='64 MB'
downpass run scenarios/quickstart.yaml --set 'stations=[svalbard, trollsat]' --set seed=2
downpass run scenarios/constellation.yaml --set 'satellites.*.codec.name=jpeg2000'
```

"""


def page() -> str:
    """Return the whole page, in Markdown."""
    parts = [_INTRODUCTION, *_units(), _OVERRIDES]
    for section in SECTIONS:
        parts += _section(section)
    parts += stations_table()
    parts += processors_table()
    return "".join(parts).rstrip("\n") + "\n"


def _units() -> Iterator[str]:
    yield "| kind | units |\n|---|---|\n"
    for kind, quantity in QUANTITIES:
        yield f"| {kind} | {', '.join(f'`{unit}`' for unit in quantity.units)} |\n"
    yield "\n"


def _section(section: Section) -> Iterator[str]:
    model = section.model
    yield f"## {section.title}\n\n"
    yield f"{(model.__doc__ or '').strip().splitlines()[0]}"
    yield f" It stands at `{section.path}`.\n\n" if section.path else "\n\n"
    if section.note:
        yield f"{section.note}\n\n"
    yield "| key | what to write | default | meaning |\n|---|---|---|---|\n"
    for key, field in keys(model):
        what = what_to_write(model, key, field).replace("|", "\\|")
        yield f"| `{key}` | {what} | {default(model, key, field)} | {field.description} |\n"
    yield "\n"
    if model not in (Scenario, SatelliteSpec):  # the example at the top shows these
        yield f"```yaml\n{section_example(model)}```\n\n"
