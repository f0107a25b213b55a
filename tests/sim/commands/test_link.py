"""`downpass link`: budgets that add up, and what it says where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from downpass.link.channel.modulation import DVB_S2
from rich.cells import cell_len
from small_scenarios import downpass, satellite, scenario, write

LINK = {
    "frequency": "8.2 GHz",
    "power": "2 W",
    "antenna_gain": "12 dBi",
    "line_loss": "0.5 dB",
    "pointing_loss": "0.3 dB",
    "symbol_rate": "50 Msymbol/s",
    "modes": "dvb-s2",
    "coding": "acm",
}
STATIONS = [
    {"use": "svalbard", "receiver": {"g_over_t": "20 dB/K"}},
    {"use": "singapore", "receiver": {"diameter": "3.7 m", "bands": ["S"]}},
    {"use": "matera", "receiver": {"diameter": "3.7 m", "largest_symbol_rate": "10 Msymbol/s"}},
]


def linked(tmp_path: Path, **changes: Any) -> Path:
    given = {"satellites": [satellite(transmitter={"link": LINK})], "stations": STATIONS}
    return write(tmp_path, scenario(None, **given | changes))


def test_each_budget_adds_up_and_the_best_is_better_than_the_worst(tmp_path: Path) -> None:
    said = downpass("link", linked(tmp_path), "--json")
    status, out = said.status, said.out
    assert status == 0
    links = {one["station"]: one for one in json.loads(out)["links"]}
    assert links["singapore"]["why_no_contact"] == "band not received"
    assert links["matera"]["why_no_contact"] == "symbol rate too high for the station"
    assert links["singapore"]["best"] is None
    svalbard = links["svalbard"]
    assert svalbard["why_no_contact"] is None
    assert svalbard["passes"] > 3
    found = {}
    for label in ("best", "worst"):
        moment = svalbard[label]
        line = {one["name"]: one["value"] for one in moment["lines"]}
        assert line["EIRP"] == pytest.approx(3.0103 - 0.5 + 12, abs=1e-3)
        # What an engineer adds up with a pencil, from the printed lines.
        density = line["EIRP"] + line["G/T"] + 228.6 + sum(
            line[name]
            for name in ("pointing loss, satellite", "free-space loss", "gases", "fade",
                         "pointing loss, station", "polarization loss")
        )  # fmt: skip
        assert line["C/N0"] == pytest.approx(density, abs=0.01)
        assert line["Es/N0"] == pytest.approx(line["C/N0"] - 76.99 - 1.0, abs=0.01)
        assert line["margin"] == pytest.approx(line["Es/N0"] - line["required Es/N0"], abs=1e-3)
        found[label] = line["Es/N0"], moment
    assert found["best"][0] > found["worst"][0] + 5.0
    mode = DVB_S2.named(found["best"][1]["mode"])
    assert mode is not None
    assert mode.required_es_n0_db <= found["best"][0]
    assert found["worst"][1]["elevation_deg"] == pytest.approx(5.0, abs=0.1)


def test_tables_are_within_the_terminal_and_links_can_be_chosen(tmp_path: Path) -> None:
    path = linked(tmp_path)
    said = downpass("link", path, "--station", "svalbard")
    status, out = said.status, said.out
    assert status == 0
    assert max(map(cell_len, out.splitlines())) <= 80
    assert out.count("best moment of") == out.count("worst moment of") == 1
    assert "20 log(4π d f / c)" in out
    said = downpass("link", path, "--station", "singapore")
    status, out = said.status, said.out
    assert (status, out.split()) == (0, [*["sat", "to", "singapore:", "no", "contact"],
                                         *["band", "not", "received"]])  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--station", "svalbart"], ("--station: found svalbart; allowed: svalbard, singapore, "
         "matera; did you mean svalbard?")),
        (["--satellite", "x"], "--satellite: found x; allowed: sat"),
    ],
)  # fmt: skip
def test_names_that_are_none_are_refused(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    said = downpass("link", linked(tmp_path), *arguments)
    status, error = said.status, said.err
    assert status == 2
    assert error.strip().splitlines()[-1] == message


def test_a_scenario_without_links_is_refused_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, scenario(None))
    said = downpass("link", path)
    status, error = said.status, said.err
    assert status == 2
    assert "found no satellite with transmitter.link" in error
    assert len(error.strip().splitlines()) == 1


def test_validate_says_which_stations_cannot_receive(tmp_path: Path) -> None:
    said = downpass("validate", linked(tmp_path))
    status, out, error = said.status, said.out, said.err
    assert status == 0
    assert out.startswith("ok: ")
    assert "found 8.2 GHz, a band that singapore cannot receive; there is no contact" in error
    assert (
        "found 50 Msymbol/s, a symbol rate that matera cannot receive; there is no contact" in error
    )
