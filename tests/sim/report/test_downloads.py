"""Downloads: the tables as CSV, with their numbers, and without formulas from outside."""

import base64
import csv
import io
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from downpass.sim.report import downloads, render
from report_synthetic import results

DAY = results()


def test_a_download_has_the_table_s_numbers() -> None:
    found = {file.name: file for file in downloads.downloads(replace(DAY, scenario_yaml="a: 1\n"))}
    head, _, body = found["passes.csv"].uri.partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(body).decode())))
    assert len(rows) == DAY.passes.num_rows
    for row, original in zip(rows, DAY.passes.to_pylist(), strict=True):
        assert float(row["aos_s"]) == original["aos_s"]
        assert int(row["sent_bytes"]) == original["sent_bytes"]
        assert row["cause_unused"] == (original["cause_unused"] or "")
    assert base64.b64decode(found["scenario.yaml"].uri.partition(",")[2]) == b"a: 1\n"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("@cmd", "'@cmd"),
        ("a,b\n\x1b[2J", "a,b \\x1b[2J"),
        ("衛星", "衛星"),
    ],
)
def test_hostile_names_stay_text(name: str, cell: str) -> None:
    text = downloads.csv_text(pa.table({"satellite": [name], "drop": [-1.5]}))
    assert text is not None
    assert list(csv.reader(io.StringIO(text)))[1] == [cell, "-1.5"]


def test_a_large_table_is_only_beside_the_page() -> None:
    month = replace(DAY, events=pa.concat_tables([DAY.events] * 200))
    assert downloads.csv_text(month.events) is None
    wide = pa.table({"name": ["x" * 2000] * 500})
    assert downloads.csv_text(wide) is None
    html = render(month)
    assert 'download="events.csv"' not in html
    assert 'href="events.parquet"' in html
    assert re.search(r'href="data:text/csv[^"]*" download="passes.csv"', html)


def test_an_empty_table_is_not_offered() -> None:
    none = DAY.frames.filter(pc.equal(DAY.frames.column("satellite"), "nobody"))
    files = downloads.downloads(replace(DAY, frames=none))
    assert [file.name for file in files] == ["passes.csv", "accesses.csv", "events.csv"]
