"""The shipped scenario of adaptive modulation, from the file to the report."""

from __future__ import annotations

from pathlib import Path

from downpass.sim.evaluate import Value, evaluate
from downpass.sim.scenario.load import load_scenario
from small_scenarios import REPOSITORY, downpass

FILE = REPOSITORY / "scenarios" / "dvb-s2.yaml"
LINK = "satellites.0.transmitter.link"
LOST = "total.bytes.lost"


def row(tmp_path: Path, *changes: str) -> dict[str, Value]:
    return evaluate(load_scenario(FILE, changes), tmp_path)


def figure(found: dict[str, Value], name: str) -> int:
    value = found.get(name, 0)
    assert isinstance(value, int)
    return value


def test_the_same_seed_gives_the_same_figures_and_another_other_weather(tmp_path: Path) -> None:
    first, again, other = (row(tmp_path, f"seed={seed}") for seed in (9, 9, 2))
    assert first == again
    assert first["total.frames.captured"] == other["total.frames.captured"]
    assert first["total.latency_s.median"] != other["total.latency_s.median"]


def test_acm_loses_nothing_to_the_rain_that_costs_ccm_frames(tmp_path: Path) -> None:
    acm = row(tmp_path)
    assert figure(acm, f"{LOST}.rain") == figure(acm, f"{LOST}.margin") == 0
    mode = (f"{LINK}.coding=ccm", f"{LINK}.mode=16APSK 3/4")
    ccm, dry = row(tmp_path, *mode), row(tmp_path, *mode, "weather=none")
    assert figure(ccm, f"{LOST}.rain") > 1_000_000_000
    assert figure(ccm, f"{LOST}.margin") > 1_000_000_000
    assert figure(dry, f"{LOST}.rain") == 0
    for found in (acm, ccm, dry):
        lost = sum(figure(found, f"{LOST}.{c}") for c in ("rain", "margin", "packet loss"))
        lost += figure(found, f"{LOST}.cut off")
        sent, received, twice = (
            figure(found, f"total.bytes.{name}") for name in ("sent", "received", "duplicate")
        )
        assert sent == received + twice + lost


def test_its_report_has_margins_modes_and_a_budget(tmp_path: Path) -> None:
    said = downpass(
        "run", FILE, "--out", tmp_path / "out", "--cache", tmp_path, "--no-tradeoff", "--quiet"
    )
    assert said.status == 0, said.err
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Link: margin, mode and weather" in html
    assert "Of 22 passes 9 are drawn" in html
    assert "Link budget: heron to singapore" in html
    assert "32APSK 9/10" in html
