"""Suggest the unit that a misspelt unit stands for.

A wrong suggestion is worse than none: `MB/s` is eight times `Mb/s`, and `MW` a billion times `mW`.
Therefore a spelling is split into prefix, unit and time, and never compared letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PREFIXES = {
    "": "", "m": "m", "milli": "m", "c": "c", "centi": "c", "k": "k", "K": "k", "kilo": "k",
    "M": "M", "mega": "M", "g": "G", "G": "G", "giga": "G", "t": "T", "T": "T", "tera": "T",
    "Ki": "Ki", "kibi": "Ki", "Mi": "Mi", "mebi": "Mi", "Gi": "Gi", "gibi": "Gi", "Ti": "Ti",
    "tebi": "Ti",
}  # fmt: skip
# A spelling may stand for several units; the field's own units decide.
_UNITS = {
    ("s", "sec", "secs", "second", "seconds", "S"): ("s",),
    ("min", "mins", "minute", "minutes", "m"): ("min",),
    ("h", "hr", "hrs", "hour", "hours", "H"): ("h",),
    ("d", "day", "days", "D"): ("d",),
    ("m", "metre", "metres", "meter", "meters", "M"): ("m",),
    ("b", "bit", "bits"): ("bit",),
    ("B", "byte", "bytes"): ("B",),
    ("W", "w", "watt", "watts"): ("W",),
    ("J", "j", "joule", "joules"): ("J",),
    ("Wh", "wh", "WH", "watthour", "watthours", "watt-hour", "watt-hours"): ("Wh",),
    ("deg", "degs", "degree", "degrees", "°"): ("deg",),
    ("px", "Px", "pixel", "pixels"): ("px",),
    ("sample", "samples"): ("sample",),
    ("Hz", "hz", "HZ", "hertz"): ("Hz",),
    ("symbol", "symbols", "sym", "baud", "Bd", "bd"): ("symbol", "Bd"),
    ("K", "kelvin", "kelvins"): ("K",),
    ("dB", "db", "DB", "decibel", "decibels"): ("dB", "dBi", "dBW", "dB/K"),
    ("dBi", "dbi", "dBic", "DBI"): ("dBi",),
    ("dBW", "dbw", "DBW"): ("dBW",),
    ("dB/K", "db/k", "dB/k", "dBK", "db/K"): ("dB/K",),
    ("mm/h", "mm/hr", "mmh"): ("mm/h",),
}
_PER = re.compile(r"(?:/|per)(s|sec|second|min|minute)$|ps$")


def meant(spelling: str, units: Sequence[str]) -> list[str]:
    """Return the units of a field that a spelling without blanks may mean, the likeliest first."""
    spelling = spelling[:40]
    parts = _PER.search(spelling)
    per = ""
    if parts:
        per = "/min" if (parts[1] or "").startswith("min") else "/s"
        spelling = spelling[: parts.start()]
    found: list[str] = []
    for prefix, name in _splits(spelling):
        for spellings, symbols in _UNITS.items():
            if name in spellings:
                found += [prefix + symbol + per for symbol in symbols]
                if name == "b" and "B" in units:
                    # In amounts of data, people write b for bits and for bytes.
                    found.insert(0 if spelling.islower() else len(found), prefix + "B")
    if not per:
        found += [f"{one}/s" for one in found]
    return list(dict.fromkeys(one for one in found if one in units))


def _splits(spelling: str) -> list[tuple[str, str]]:
    """Return every split of a spelling into a prefix and a unit's name."""
    splits = []
    for end in range(len(spelling)):
        prefix, name = spelling[:end], spelling[end:]
        # Case distinguishes symbols (mW, MW); words may begin with a capital.
        prefix = prefix.casefold() if len(prefix) > 2 else prefix
        name = name.casefold() if len(name) > 2 else name
        if prefix in _PREFIXES:
            splits.append((_PREFIXES[prefix], name))
        if prefix == "m" and name in ("b", "bit", "bits", "byte", "bytes", "px"):
            splits.append(("M", name))  # nobody means a thousandth of a bit
    return splits
