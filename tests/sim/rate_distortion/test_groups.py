"""Which pictures belong together."""

from __future__ import annotations

from pathlib import Path

import pytest
from downpass.sim.rate_distortion.compare import group_means, middle_of, worst_group
from downpass.sim.rate_distortion.groups import groups_of, sources
from downpass.sim.rate_distortion.table import notes, print_table


@pytest.mark.parametrize(
    ("sensor", "group"),
    [
        ("NAIP 0.6 m", "NAIP"),
        ("NEON AOP RGB 0.1 m", "NEON AOP RGB"),
        ("Landsat 7 ETM+ resampled 300 m", "Landsat 7 ETM+"),
        ("Landsat 7 ETM+ 28.5 m", "Landsat 7 ETM+"),
        ("DJI FC300S (Phantom 3) ~5-8 cm after downsample", "DJI FC300S (Phantom 3)"),
        ("Sentinel-2 band resampled to 200 m", "Sentinel-2 band"),
        ("Landsat 8 OLI B2 60 m", "Landsat 8 OLI B2"),
        ("MSI", "MSI"),
        ("10 m", "10 m"),
    ],
)
def test_a_group_is_a_sensor_at_any_resolution(tmp_path: Path, sensor: str, group: str) -> None:
    (tmp_path / "SOURCES.tsv").write_text(f"name\tsensor\tlicence\np\t{sensor}\tnone\n")
    assert sources(tmp_path) == {"p": group}


def test_a_group_that_is_named_wins_over_the_sensor(tmp_path: Path) -> None:
    (tmp_path / "SOURCES.tsv").write_text("file\tsensor\tgroup\nsub/p.tif\tX\ttowns 1 m\n")
    assert sources(tmp_path) == {"p": "towns"}
    text = (tmp_path / "SOURCES.tsv").read_text()
    (tmp_path / "SOURCES.tsv").write_text(text, encoding="utf-8-sig")  # as spreadsheets do
    assert sources(tmp_path) == {"p": "towns"}


@pytest.mark.parametrize("text", [None, "", "name\tlicence\np\tnone\n", "\x00\xff"])
def test_no_table_or_none_that_says_so(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "SOURCES.tsv").write_bytes(text.encode("latin-1"))
    assert sources(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "bands", "known", "groups"),
    [
        ("p.png", 3, {}, ["colour"]),
        ("p.png", 1, {}, ["one band"]),
        ("p.tif", 13, {}, ["13 bands"]),
        ("p.png", 1, {"p": "NAIP"}, ["NAIP", "one band"]),
        ("p_cir.png", 3, {"p_cir": "MSI"}, ["MSI", "infrared composite"]),
        ("circle.png", 3, {}, ["colour"]),
        ("p.png", 1, {"p": "one band"}, ["one band"]),
    ],
)
def test_groups_of(name: str, bands: int, known: dict[str, str], groups: list[str]) -> None:
    assert groups_of(Path(name), bands, known) == groups


def test_the_middle() -> None:
    window = middle_of(1000, 300, 512)
    assert (window.column, window.row, window.width, window.height) == (244, 0, 512, 300)
    whole = middle_of(1000, 300, 0)
    assert (whole.column, whole.row, whole.width, whole.height) == (0, 0, 1000, 300)


def test_a_group_that_is_called_all_counts_no_picture_twice() -> None:
    one = dict.fromkeys(
        ("bd_rate_psnr_percent", "coverage_psnr", "bd_rate_ms_ssim_percent", "coverage_ms_ssim"),
        1.0,
    )
    images = {
        "a": {"groups": ["all"], "codecs": {"student": one}},
        "b": {"groups": ["x"], "codecs": {"student": one | {"bd_rate_psnr_percent": -2.0}}},
    }
    means = group_means(images, "student")
    assert (means["all"]["images"], means["all"]["bd_rate_psnr_percent"]) == (2, -0.5)
    assert list(means) == ["all", "x"]


def test_the_worst_group_needs_most_bytes() -> None:
    rates = {"all": 50.0, "towns": -30.0, "grey": -2.0, "dark": None}
    assert worst_group({k: {"bd_rate_psnr_percent": v} for k, v in rates.items()}) == "grey"
    assert worst_group({"all": {"bd_rate_psnr_percent": 1.0}}) is None


def test_a_mean_tells_how_many_pictures_it_covers(capsys: pytest.CaptureFixture[str]) -> None:
    """A picture without a BD-rate is neither in the mean nor one that needs no more bytes."""
    keys = ("bd_rate_psnr_percent", "coverage_psnr", "bd_rate_ms_ssim_percent", "coverage_ms_ssim")
    images = {
        name: {
            "groups": [group],
            "crop": None,
            "codecs": {"student": dict(zip(keys, (rate, share, rate, share), strict=True))},
        }
        for name, group, rate, share in (
            ("a", "towns", -30.0, 0.9),
            ("b", "towns", None, 0.0),
            ("c", "sea", 10.0, 0.6),
        )
    }
    groups = group_means(images, "student")
    counts = {name: (row["images"], row["judged"]) for name, row in groups.items()}
    assert counts == {"all": (3, 2), "towns": (2, 1), "sea": (1, 1)}
    assert groups["all"]["bd_rate_psnr_percent"] == -10
    assert groups["towns"]["bd_rate_psnr_percent"] == -30
    found = {
        "settings": {"rates_bpp": [0.1, 1.5], "speed_bpp": 0.4, "crop": 512},
        "images": images,
        "codecs": {
            "student": {
                "groups": groups,
                "worst_group": "sea",
                **dict.fromkeys(("encode_mpx_s", "decode_mpx_s", "encode_speed_ratio"), 1.0),
            }
        },
    }
    note = notes(found)[0]
    assert "1 of 2 pictures need more bytes than jpeg2000 (c +10.0 %)" in note
    assert "1 of 3 have no BD-rate" in note
    print_table(found)
    text = " ".join(capsys.readouterr().out.split())
    for group in ("all (2 of", "towns (1", "sea (1)"):
        assert group in text
