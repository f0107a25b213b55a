"""Group pictures by the sensor that took them, if it is known, and by their bands.

A table `SOURCES.tsv` beside the pictures (a header line, then one line per picture) gives the
group in its column `group`, or in `sensor`, whose resolution is removed. Without the table, colour
and many-band pictures are separate groups. One-band pictures and infrared composites are groups of
their own in addition.
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
    """Return the group of each picture of a folder, by the picture's name without suffix.

    The result is empty if there is no readable table with such columns.
    """
    try:
        with (folder / TABLE).open(encoding="utf-8-sig", newline="") as file:
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
        path: File of the picture.
        bands: Number of its bands that are coded.
        known: Result of `sources` for its folder.
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
    return list(dict.fromkeys(groups))  # a table may call a group so, too
