"""The tables of docs/scenario.md of what ships: stations and processors."""

from __future__ import annotations

from collections.abc import Iterator

from ....payload import processors
from .. import stations


def stations_table() -> Iterator[str]:
    """Yield the section on the stations that ship, piece by piece, in Markdown."""
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


def processors_table() -> Iterator[str]:
    """Yield the section on the processors that ship, piece by piece, in Markdown."""
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
