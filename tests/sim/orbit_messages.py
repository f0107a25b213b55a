"""Writers of OMM and OEM for tests, from SGP4's own states."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

SENTINEL: dict[str, Any] = {
    # What CelesTrak's JSON has; the elements are those of the TLE in FACTS.md, with other numbers.
    "OBJECT_NAME": "SENTINEL-2A",
    "OBJECT_ID": "2015-028A",
    "EPOCH": "2024-12-02T03:28:11.380224",
    "MEAN_MOTION": 14.30811188,
    "ECCENTRICITY": 0.0001011,
    "INCLINATION": 98.5704,
    "RA_OF_ASC_NODE": 48.9920,
    "ARG_OF_PERICENTER": 93.0957,
    "MEAN_ANOMALY": 267.0342,
    "EPHEMERIS_TYPE": 0,
    "CLASSIFICATION_TYPE": "U",
    "NORAD_CAT_ID": 140697,
    "ELEMENT_SET_NO": 999,
    "REV_AT_EPOCH": 49336,
    "BSTAR": 0.00021480,
    "MEAN_MOTION_DOT": 5.19e-6,
    "MEAN_MOTION_DDOT": 0,
}
METADATA = ("OBJECT_NAME", "OBJECT_ID", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM",
            "MEAN_ELEMENT_THEORY")  # fmt: skip
TLE_PARAMETERS = ("EPHEMERIS_TYPE", "CLASSIFICATION_TYPE", "NORAD_CAT_ID", "ELEMENT_SET_NO",
                  "REV_AT_EPOCH", "BSTAR", "MEAN_MOTION_DOT", "MEAN_MOTION_DDOT")  # fmt: skip
STANDARD = {
    "CENTER_NAME": "EARTH",
    "REF_FRAME": "TEME",
    "TIME_SYSTEM": "UTC",
    "MEAN_ELEMENT_THEORY": "SGP4",
}


def omm_json(**changes: Any) -> str:
    return json.dumps([SENTINEL | changes])


def omm_kvn(**changes: Any) -> str:
    lines = ["CCSDS_OMM_VERS = 3.0", "COMMENT for a test = no keyword", "ORIGINATOR = TEST"]
    lines += [f"{key} = {value}" for key, value in (STANDARD | SENTINEL | changes).items()]
    return "\n".join(lines) + "\n"


def omm_xml(**changes: Any) -> str:
    given = STANDARD | SENTINEL | changes

    def part(name: str, keys: Sequence[str]) -> str:
        return f"<{name}>" + "".join(f"<{k}>{given[k]}</{k}>" for k in keys) + f"</{name}>"

    elements = [key for key in given if key not in (*METADATA, *TLE_PARAMETERS)]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ndm><omm id="CCSDS_OMM_VERS" version="3.0">\n'
        "<header><COMMENT>a</COMMENT><COMMENT>b</COMMENT><ORIGINATOR>TEST</ORIGINATOR></header>\n"
        f"<body><segment>{part('metadata', METADATA)}\n<data>{part('meanElements', elements)}"
        f"{part('tleParameters', TLE_PARAMETERS)}</data></segment></body></omm></ndm>\n"
    )


def epochs(start: datetime, time_s: Any) -> list[str]:
    return [f"{start + timedelta(seconds=float(second)):%Y-%m-%dT%H:%M:%S.%f}" for second in time_s]


def write_examples(folder: Path) -> None:
    """The files that the examples of docs/scenario.md name."""
    (folder / "elements.json").write_text(omm_json(NORAD_CAT_ID=100001))
    start = datetime(2024, 12, 2, tzinfo=UTC)
    angle = np.arange(0.0, 1.0, 0.06)  # a circle of 7000 km, 60 s a step
    circle, zero = np.stack([np.cos(angle), np.sin(angle), 0 * angle]), 0 * angle
    rate = np.stack([-circle[1], circle[0], zero]) * 7000.0
    text = oem_kvn(start, np.arange(len(angle)) * 60.0, circle * 7e6, rate)
    (folder / "ephemeris.oem").write_text(text)
    row = "sparrow,mine,2024-12-02T05:00:00Z,2024-12-02T05:10:00Z"
    (folder / "plan.csv").write_text(f"satellite,station,start,end\n{row}\n")


def oem_kvn(start: datetime, time_s: Any, position: Any, velocity: Any, **metadata: Any) -> str:
    """An OEM of one segment; states in metres and m/s, of shape (3, n)."""
    return "CCSDS_OEM_VERS = 3.0\nCREATION_DATE = 2024-12-02T00:00:00\nORIGINATOR = TEST\n" + (
        oem_segment(start, time_s, position, velocity, **metadata)
    )


def oem_segment(start: datetime, time_s: Any, position: Any, velocity: Any, **metadata: Any) -> str:
    when = epochs(start, time_s)
    given = oem_metadata(when, metadata)
    lines = ["META_START", *(f"{key} = {value}" for key, value in given.items()), "META_STOP"]
    for epoch, row in zip(when, np.concatenate((position, velocity)).T / 1e3, strict=True):
        lines.append(" ".join([epoch, *(f"{number:.9f}" for number in row)]))
    return "\n".join(lines) + "\n"


def oem_metadata(when: Sequence[str], changes: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "OBJECT_NAME": "SENTINEL-2A",
        "OBJECT_ID": "2015-028A",
        "CENTER_NAME": "EARTH",
        "REF_FRAME": "TEME",
        "TIME_SYSTEM": "UTC",
        "START_TIME": when[0],
        "STOP_TIME": when[-1],
        "INTERPOLATION": "LAGRANGE",
        "INTERPOLATION_DEGREE": 7,
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def oem_xml(start: datetime, time_s: Any, position: Any, velocity: Any, **metadata: Any) -> str:
    when = epochs(start, time_s)
    keys = "".join(f"<{k}>{v}</{k}>" for k, v in oem_metadata(when, metadata).items())
    states = []
    names = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
    for epoch, row in zip(when, np.concatenate((position, velocity)).T / 1e3, strict=True):
        values = "".join(
            f'<{name} units="km">{number:.9f}</{name}>'
            for name, number in zip(names, row, strict=True)
        )
        states.append(f"<stateVector><EPOCH>{epoch}</EPOCH>{values}</stateVector>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<oem id="CCSDS_OEM_VERS" version="3.0">'
        f"<header/><body><segment><metadata>{keys}</metadata><data>\n"
        + "\n".join(states)
        + "</data></segment></body></oem>\n"
    )
