"""Which pictures belong together: by what took them, as far as that is known, and by their bands.

A table `SOURCES.tsv` beside the pictures (a header line, then a line a picture) says what took
them: its column `group`, or `sensor` without the resolution. Without it, colour and many-band
pictures are apart. One-band pictures and infrared composites are groups of their own as well.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TABLE: Final = "SOURCES.tsv"
ONE_BAND: Final = "one band"
INFRARED: Final = "infrared composite"
_NAMES: Final = ("name", "file", "path")
_GROUPS: Final = ("group", "sensor")
_RESOLUTION: Final = re.compile(r"[\s,~]*\b(resampled\b.*|[\d.–-]+\s*[ck]?m\b.*)$")


def sources(folder: Path) -> dict[str, str]:
    """Return what took each picture of a folder, by its name without an ending.

    Empty where there is no table, or none that says so.
    """
    try:
        with (folder / TABLE).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeError, csv.Error):
        return {}
    found = {}
    for row in rows:
        name = next((row[key] for key in _NAMES if row.get(key)), None)
        group = next((row[key] for key in _GROUPS if row.get(key)), None)
        if name and group:
            found[Path(name).stem] = _RESOLUTION.sub("", group.strip()) or group.strip()
    return found


def groups_of(path: Path, bands: int, known: Mapping[str, str]) -> list[str]:
    """Return the groups of one picture.

    Args:
        path: The picture's file.
        bands: How many bands of it are coded.
        known: What `sources` says of its folder.
    """
    groups = []
    if path.stem in known:
        groups.append(known[path.stem])
    elif bands != 1:
        groups.append("colour" if bands == 3 else f"{bands} bands")
    if bands == 1:
        groups.append(ONE_BAND)
    if bands == 3 and {"cir", "infrared"} & set(re.split(r"[\W_]+", path.stem.lower())):
        groups.append(INFRARED)
    return groups
