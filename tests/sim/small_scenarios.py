"""Builders of small scenarios with small scenes, and functions that run the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from downpass.sim.cli import main
from numpy.typing import NDArray
from rasterio.transform import Affine
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
TRANSFORM = Affine(20.0, 0.0, 500_000.0, 0.0, -20.0, 4_400_000.0)
NODATA = 0

# Four places are so far north that every orbit sees some of them; two are seen now and then.
PLACES = {
    "alert": (82.5, -62.3),
    "nord": (81.6, -16.7),
    "franz-josef": (80.5, 55.0),
    "severnaya": (79.5, 97.0),
    "lisbon": (38.72, -9.14),
    "dunedin": (-45.9, 170.5),
}


def pixels(rows: int = 96, columns: int = 128, bands: int = 3, seed: int = 5) -> NDArray[np.uint16]:
    """Return smooth hills with some noise and a corner of nodata, as (bands, rows, columns)."""
    y, x = np.mgrid[0:rows, 0:columns]
    rng = np.random.default_rng(seed)
    planes = [
        1500 + 800 * np.sin(x / (7 + b)) * np.cos(y / 11) + rng.normal(0, 60, (rows, columns))
        for b in range(bands)
    ]
    made = np.clip(np.stack(planes), 1, 4095).astype(np.uint16)
    made[:, :10, :14] = NODATA
    return made


def write_scene(path: Path, planes: NDArray[Any] | None = None, **profile: Any) -> Path:
    """Write a GeoTIFF in UTM zone 29 N."""
    planes = pixels() if planes is None else planes
    given: dict[str, Any] = {"crs": "EPSG:32629", "transform": TRANSFORM, "nodata": NODATA}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=planes.shape[0],
        height=planes.shape[1],
        width=planes.shape[2],
        dtype=planes.dtype,
        **(given | profile),
    ) as file:
        file.write(planes)
    return path


def scenario(scene: str | None = "scene.tif", **changes: Any) -> dict[str, Any]:
    """Return a scenario of twelve hours as YAML reads it; `changes` replace top-level keys."""
    scenes = [] if scene is None else [scene]
    given: dict[str, Any] = {
        "name": "small",
        "start": "2024-12-02T00:00:00Z",
        "duration": "12 h",
        "seed": 1,
        "satellites": [satellite()],
        "targets": [
            {"name": name, "at": list(at), "priority": 1 + n, "scenes": list(scenes)}
            for n, (name, at) in enumerate(PLACES.items())
        ],
        "stations": ["svalbard", "awarua"],
    }
    return given | changes


def satellite(**changes: Any) -> dict[str, Any]:
    """Return a satellite with frames of 64 x 64 pixels in two bands, in four tiles."""
    given: dict[str, Any] = {
        "name": "sat",
        "orbit": {"altitude": "500 km", "sun_synchronous": True, "local_time": "10:30"},
        "imager": {
            "swath": "1.28 km",
            "gsd": "20 m",
            "frame_length": "1.28 km",
            "bands": [1, 3],
            "bit_depth": 12,
            "off_nadir_limit": "40 deg",
            "min_sun_elevation": None,
        },
        "processor": {"profile": "zynq-7020"},
        "recorder": {"capacity": "1 MB"},
        "transmitter": {"rate": "9600 bit/s", "packet": "64 B", "packet_loss": 0.0},
        "codec": {"name": "jpeg2000", "bpp": 4.0, "tile": 32},
    }
    return given | changes


def lossy(loss: float) -> dict[str, Any]:
    """Return a transmitter that loses packets."""
    return {"rate": "9600 bit/s", "packet": "64 B", "packet_loss": loss}


def write(folder: Path, content: Any, name: str = "scenario.yaml") -> Path:
    """Write a scenario file."""
    path = folder / name
    with path.open("w") as file:
        YAML(typ="safe").dump(content, file)
    return path


@dataclass(frozen=True)
class Said:
    """A command's exit status and output."""

    status: int
    out: str
    err: str


def downpass(*arguments: str | Path) -> Said:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    return Said(status, out.getvalue(), err.getvalue())


def process(
    *arguments: str | Path, cwd: Path | None = None, code: Sequence[str] = (), **environment: str
) -> Said:
    """Run the command line in a process of its own."""
    started = subprocess.run(
        [sys.executable, *(code or ("-m", "downpass.sim.cli")), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )
    return Said(started.returncode, started.stdout, started.stderr)
