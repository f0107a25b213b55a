"""CI's comparison of two runs sees what differs, and nothing where only the writer does."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import Affine

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "compare-results"
Compare = Callable[[Path, Path], tuple[int, str]]
TABLE = pa.table({"time_s": [0.5, float("nan"), None], "satellite": ["a", "b", "b"]})


def picture(path: Path, value: int, compress: str = "deflate", east: float = 20.0) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=32,
        height=32,
        count=1,
        dtype="uint8",
        crs="EPSG:32629",
        transform=Affine(east, 0.0, 500_000.0, 0.0, -20.0, 4_400_000.0),
        compress=compress,
    ) as file:
        file.write(np.full((1, 32, 32), value, np.uint8))


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "delivered").mkdir(parents=True)
    (one / "summary.json").write_text('{"frames": 3}\n')
    (one / "report.html").write_text("<p>")
    pq.write_table(TABLE, one / "events.parquet")
    picture(one / "delivered" / "1.tif", 7)
    shutil.copytree(one, other)
    return one, other


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Compare:
    """The script's exit status for two folders, and what it printed."""
    main = runpy.run_path(str(SCRIPT))["main"]
    return lambda one, other: (main(one, other), capsys.readouterr().out)


def test_writers_may_differ(runs: tuple[Path, Path], compare: Compare) -> None:
    _, other = runs
    (other / "report.html").write_text("<p >")
    pq.write_table(TABLE, other / "events.parquet", compression="zstd")
    assert compare(*runs) == (0, "3 files of results are the same\n")


def test_an_empty_folder_is_no_agreement(tmp_path: Path, compare: Compare) -> None:
    status, said = compare(tmp_path, tmp_path)
    assert status == 1
    assert said.startswith("nothing to compare")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: (run / "summary.json").write_text('{"frames": 4}\n'), "other bytes"),
        (lambda run: (run / "summary.json").unlink(), "in one of them only"),
        (
            lambda run: pq.write_table(
                TABLE.set_column(0, "time_s", pa.array([0.5, None, None])), run / "events.parquet"
            ),
            "time_s, row 1: nan, None",
        ),
        (lambda run: pq.write_table(TABLE.slice(1), run / "events.parquet"), "3 rows, 2 rows"),
        (lambda run: pq.write_table(TABLE.drop(["time_s"]), run / "events.parquet"), "columns"),
        (lambda run: picture(run / "delivered" / "1.tif", 8), "other pixels"),
        (lambda run: picture(run / "delivered" / "1.tif", 7, east=21.0), "21.0"),
    ],
    ids=["text", "missing", "value", "rows", "columns", "pixels", "georeference"],
)
def test_results_may_not(
    runs: tuple[Path, Path], compare: Compare, change: Callable[[Path], object], said: str
) -> None:
    change(runs[1])
    status, out = compare(*runs)
    assert status == 1
    assert said in out
