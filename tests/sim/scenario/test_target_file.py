"""Targets from files: the same places whatever the format, and one line for what is wrong."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.scenario import Scenario
from hypothesis import given
from hypothesis import strategies as st

SCENARIO = """\
name: s
start: 2024-12-02T00:00:00Z
duration: 1 h
satellites:
  - name: a
    orbit: {altitude: 500 km, inclination: 97.4 deg}
    imager: {swath: 10.24 km, gsd: 20 m, frame_length: 10.24 km, bands: 3}
    processor: {profile: zynq-7020}
    recorder: {capacity: 16 MB}
    transmitter: {rate: 128 kbit/s}
    codec: {name: jpeg2000, bpp: 1.0}
stations: [svalbard]
"""
CITIES = [("São Tomé", 0.25, 6.75), ("東京", 35.5, 139.75), ("The Hague", 52.0, 4.25)]


def load(folder: Path, targets: str) -> Scenario:
    path = folder / "s.yaml"
    path.write_text(f"{SCENARIO}{targets}\n", encoding="utf-8")
    return load_scenario(path)


def problem(folder: Path, targets: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(folder, targets)
    (line,) = caught.value.problems
    assert "\n" not in line
    return line.replace(f"{folder}/", "")


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(path: Path, *features: Any) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def write_cities(path: Path) -> None:
    match path.suffix:
        case ".geojson":
            geojson(path, *(feature(point(lon, lat), name=name) for name, lat, lon in CITIES))
        case ".csv":
            rows = "".join(f"{name},{lat},{lon}\r\n" for name, lat, lon in CITIES)
            path.write_text(f"\ufeffname,lat,lon\r\n{rows}", encoding="utf-8")
        case _:
            pyogrio.raw.write(
                path,
                np.array([shapely.to_wkb(shapely.Point(lon, lat)) for _, lat, lon in CITIES]),
                [np.array([name for name, _, _ in CITIES], dtype=object)],
                ["Name" if path.suffix == ".kml" else "name"],
                geometry_type="Point",
                crs="EPSG:4326",
                driver="KML" if path.suffix == ".kml" else "GPKG",
            )


@pytest.mark.parametrize("name", ["c.geojson", "c.csv", "c.gpkg", "c.kml"])
def test_every_format_gives_the_same_places(tmp_path: Path, name: str) -> None:
    write_cities(tmp_path / name)
    attribute = ", name_attribute: Name" if name.endswith("kml") else ""
    scenario = load(tmp_path, f"targets: {{file: {name}{attribute}}}")
    assert [(t.name, *(t.at or ())) for t in scenario.targets] == CITIES
    assert {t.priority for t in scenario.targets} == {5}


def test_attributes_give_priority_and_scenes(tmp_path: Path) -> None:
    geojson(
        tmp_path / "c.geojson",
        feature(point(1, 2), name="a", kind="capital", picture="x.tif; sub/y.tif"),
        feature(point(1, 3), name="b", kind="village", picture=None),
        feature(point(1, 4), name="c", kind=None, picture=""),
    )
    targets = load(
        tmp_path,
        "targets: {file: c.geojson, priority: 2, priority_attribute: kind, "
        "priority_values: {capital: 9}, scenes: [z.tif], scenes_attribute: picture}",
    ).targets
    assert [t.priority for t in targets] == [9, 2, 2]
    assert [[str(p.relative_to(tmp_path)) for p in t.scenes] for t in targets] == [
        ["x.tif", "sub/y.tif"],
        ["z.tif"],
        ["z.tif"],
    ]


def test_numbers_are_priorities_without_a_table_of_values(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("name;latitude;longitude;rank\na;1;2;9\nb;1;3;\n")
    targets = load(tmp_path, "targets: {file: c.csv, priority_attribute: rank}").targets
    assert [t.priority for t in targets] == [9, 5]


def test_whole_numbers_of_a_layer_are_looked_up_as_whole(tmp_path: Path) -> None:
    kinds = (3.0, 3, "3", 3.5)
    geojson(tmp_path / "c.geojson", *(feature(point(1, n), kind=k) for n, k in enumerate(kinds)))
    targets = load(
        tmp_path,
        'targets: {file: c.geojson, priority_attribute: kind, priority_values: {"3": 9}}',
    ).targets
    assert [t.priority for t in targets] == [9, 9, 9, 5]


def test_parts_and_names_that_come_again_are_numbered(tmp_path: Path) -> None:
    square = [[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]
    far = [[x + 10, y] for x, y in square]
    geojson(
        tmp_path / "c.geojson",
        feature({"type": "MultiPolygon", "coordinates": [[square], [far]]}, name="islands"),
        feature({"type": "MultiPoint", "coordinates": [[5, 5], [6, 6]]}),
    )
    targets = load(tmp_path, "targets: {file: c.geojson}").targets
    assert [t.name for t in targets] == ["islands", "islands (2)", "c 3", "c 4"]
    assert targets[0].polygon == ((0, 0), (0, 2), (1, 2), (1, 0))  # latitude first
    assert targets[3].at == (6, 6)


def test_files_stand_among_other_targets_and_lines_stay_right(tmp_path: Path) -> None:
    write_cities(tmp_path / "c.csv")
    scenario = load(
        tmp_path,
        "targets:\n  - {file: c.csv}\n  - {name: lisbon, at: [38.72, -9.14]}",
    )
    assert [t.name for t in scenario.targets] == [*(name for name, _, _ in CITIES), "lisbon"]
    assert scenario.source.place_of("targets.3.at").endswith("s.yaml:15: targets.1.at")
    wrong = "targets:\n  - {file: c.csv}\n  - {name: lisbon, at: [98.72, -9.14]}"
    assert "s.yaml:15: targets.1.at: found latitude 98.72" in problem(tmp_path, wrong)
    again = "targets:\n  - {file: c.csv}\n  - {name: The Hague, at: [52, 4]}"
    assert "found a second target called The Hague" in problem(tmp_path, again)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "found an empty file"),
        ("name,lat\na,1\n", "found no column longitude among name, lat"),
        ("lat,lat,lon\n1,1,1\n", "found the column lat twice"),
        ("lat,lon\n1\n", "line 2: found 1 cells; allowed: 2"),
        ("lat,lon\n1,2\n91,2\n", "line 3: found latitude 91; allowed: -90 to 90"),
        ("lat,lon\nnan,2\n", "line 2: found latitude nan; allowed: degrees"),
        ("lat,lon\n3_8.7,2\n", "line 2: found latitude 3_8.7; allowed: degrees"),
        ("lat,lon\n٣٨,2\n", "line 2: found latitude ٣٨; allowed: degrees"),
        ("lat,lon\n\n", "found no places"),
        ('lat,lon\n1,"2\n', "line 2: not CSV"),
        ("name,lat,lon\n\x1b[2J,1,2\n", "found the name"),
        (f"name,lat,lon\n{'x' * 101},1,2\n", "allowed: letters of any script"),
    ],
)
def test_a_bad_csv_file_is_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "c.csv").write_text(content)
    line = problem(tmp_path, "targets: {file: c.csv}")
    assert line.startswith("s.yaml:13: targets.file: c.csv: ")
    assert said in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"type": "Topology"}', "found Topology; allowed: a FeatureCollection"),
        ('{"type": "FeatureCollection", "features": [1]}', "feature 1: found no Feature"),
        (json.dumps(feature(None)), "feature 1: found no geometry"),
        (json.dumps(feature({"type": "LineString", "coordinates": []})), "found LineString"),
        (json.dumps(feature(point(1, 2))).replace("[1,", "[NaN,").replace("[1 ,", "[NaN,"), "NaN"),
        (json.dumps(feature(point(200, 2))), "found longitude 200"),
        (json.dumps(feature({"type": "Point", "coordinates": [True, 2]})), "[longitude, latitude]"),
        (
            json.dumps(feature({"type": "Polygon", "coordinates": [[[0, 0]], [[0, 0]]]})),
            "found a polygon with a hole",
        ),
        (
            json.dumps(feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]})),
            "found a polygon of 2 distinct corners",
        ),
        (
            json.dumps(feature(point(1, 2)) | {"crs": {"properties": {"name": "EPSG:3857"}}}),
            "found the reference system",
        ),
    ],
    ids=lambda value: value[:30],
)
def test_bad_geojson_is_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "c.geojson").write_text(content)
    line = problem(tmp_path, "targets: {file: c.geojson}")
    assert line.startswith("s.yaml:13: targets.file: c.geojson: ")
    assert said in line


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{file: none.csv}", "targets.file: none.csv: no such file"),
        ("{file: c.shp}", "found a name that ends in .shp; allowed: .geojson"),
        ("{file: /dev/zero}", "allowed: .geojson"),
        ("{fle: c.csv}", "targets: found a mapping; allowed: a list of targets, or file"),
        ("{file: c.csv, nam: x}", "targets.nam: no such key"),
        ("{file: c.csv, priority: 10}", "targets.priority: found 10"),
        ("{file: c.csv, name_attribute: nmae}", "found no attribute nmae; allowed: name"),
        ("{file: c.csv, priority_attribute: name}", "line 2: found name São Tomé; allowed: whole"),
        ("{file: c.csv, priority_values: {a: 1}}", "priority_values without priority_attribute"),
        ("[{file: c.csv, priority: 10}]", "targets.0.priority: found 10"),
    ],
)
def test_a_wrong_section_is_refused_in_one_line(tmp_path: Path, section: str, said: str) -> None:
    write_cities(tmp_path / "c.csv")
    assert said in problem(tmp_path, f"targets: {section}")


def test_too_many_places_are_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("lat,lon\n" + "1,2\n" * 100_001)
    assert "more than 100000 places" in problem(tmp_path, "targets: {file: c.csv}")


@given(name=st.text(max_size=120))
def test_a_name_is_kept_clean_or_refused(name: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("names")
    geojson(folder / "c.geojson", feature(point(1, 2), name=name))
    try:
        (target,) = load(folder, "targets: {file: c.geojson}").targets
    except ScenarioError as error:
        assert len(error.problems) == 1 and error.problems[0].isprintable()
        return
    assert target.name == target.name.strip() and 1 <= len(target.name) <= 100
    assert unicodedata.is_normalized("NFC", target.name)
