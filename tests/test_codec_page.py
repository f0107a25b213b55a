"""The tables of the learned codec's pages are those of the cards and of docs/measured."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return load("codec_page")


def text_of(page: ModuleType, name: str) -> str:
    text: str = (page.DOCS / name).read_text(encoding="utf-8")
    return text


@pytest.mark.parametrize("name", ["codec.md", "codec-training.md", "codec-studies.md"])
def test_the_pages_have_the_figures_of_the_shipped_model(page: ModuleType, name: str) -> None:
    text = text_of(page, name)
    assert page.renewed(name, text) == text, "run benchmarks/codec_page.py"


def test_no_other_page_has_a_table_of_measured_figures(page: ModuleType) -> None:
    marked = [p.name for p in page.DOCS.glob("*.md") if "<!-- measured:" in text_of(page, p.name)]
    assert sorted(marked) == sorted(page.TABLES)


def test_a_changed_figure_changes_the_page_and_writing_it_restores_it(page: ModuleType) -> None:
    text = text_of(page, "codec.md")
    changed = text.replace(page.card()["fingerprint"], "0123456789abcdef")
    assert changed != text
    assert page.renewed("codec.md", changed) == text


def test_a_missing_table_is_reported(page: ModuleType) -> None:
    text = text_of(page, "codec.md")
    with pytest.raises(ValueError, match=r"codec\.md: found tables"):
        page.renewed("codec.md", text.replace("<!-- measured: decoders -->", ""))


def test_a_group_is_the_mean_of_its_pictures(
    page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MEASURED", tmp_path)
    (tmp_path / "student_rd.csv").write_text(
        "picture,codec,bd_rate_psnr,coverage,bd_rate_ms_ssim\n"
        "l7_a,student fast,-10.0,1,-20.0\n"
        "l7_b,student fast,-13.0,1,\n"
        "swissimage_0,student fast,2.0,1,-1.0\n"
    )
    rows = page.rate_distortion().splitlines()
    assert "| Landsat 7 | 2 | −11.5 %, −20.0 % |" in rows
    assert "| SWISSIMAGE | 1 | +2.0 %, −1.0 % |" in rows
    assert rows[2] == "| **all** | 3 | **−7.0 %, −10.5 %** |"


def test_rates_are_judged_by_the_pictures_that_a_codec_reaches(
    page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MEASURED", tmp_path)
    (tmp_path / "student_rd.csv").write_text(
        "picture,codec,bd_rate_psnr_0.1_0.2,bd_rate_psnr_0.2_0.4\n"
        "a,student fast,-10.0,-20.0\n"
        "b,student fast,4.0,-30.0\n"
        "a,avif,,1.0\n"
    )
    rows = page.by_rate().splitlines()
    assert rows[2].startswith("| 0.1 to 0.2 bpp | −3.0 % (1 of 2) |")
    assert rows[3].startswith("| 0.2 to 0.4 bpp | −25.0 % (0 of 2) |")
    assert "| +1.0 % (1 of 1) |" in rows[3]
    assert "| – | – |" in rows[2]


def test_a_range_of_rates_has_the_curves_own_change() -> None:
    """At each PSNR the codec needs half the bytes below 0.4 bpp, and nine tenths above."""
    rates = [0.025 * 2**n for n in range(9)]
    points = [{"bpp": rate, "psnr_db": 30.0 + 3 * n} for n, rate in enumerate(rates)]
    cheaper = [
        {"bpp": p["bpp"] * (0.5 if p["bpp"] <= 0.4 else 0.9), "psnr_db": p["psnr_db"]}
        for p in points
    ]
    image = {"codecs": {"jpeg2000": {"points": points}, "student": {"points": cheaper}}}
    over = load("renew").over
    assert float(over(image, "student", (0.1, 0.2))) == pytest.approx(-50, abs=0.5)
    assert float(over(image, "student", (1.7, 3.2))) == pytest.approx(-10, abs=0.1)
    assert over(image, "student", (9, 10)) == ""


def test_arms_are_compared_seed_by_seed(
    page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MEASURED", tmp_path)
    (tmp_path / "distillation_arms.csv").write_text(
        "arm,seed,steps,pictures,bd_rate,coverage\n"
        "own,1,300,43,-20.0,1\n"
        "own,2,300,43,-22.0,1\n"
        "taught,1,300,43,-21.6,1\n"  # 0.784 / 0.8 = 0.98
        "taught,2,300,43,-21.22,1\n"  # 0.7878 / 0.78 = 1.01
    )
    rows = page.arms().splitlines()
    assert rows[2] == ("| its own decoder and entropy model | 300 | 2 | −21.00 ± 1.41 % | – |")
    assert rows[3] == (
        "| the teacher's, and lessons on the latents | 300 | 2 | −21.41 ± 0.27 % | −0.50 ± 2.12 % |"
    )


def test_logs_of_runs_with_other_groups_are_joined(tmp_path: Path) -> None:
    path, source = tmp_path / "all.csv", tmp_path / "run.csv"
    path.write_text("stage,step,a\nfirst,1,0.5\nlast,2,0.6\n")
    source.write_text("step,b\n3,0.7\n")
    load("renew").add_rows(path, source, "last")
    assert path.read_text() == "stage,step,a,b\nfirst,1,0.5,\nlast,3,,0.7\n"
