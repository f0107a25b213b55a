"""Figures of curves: names from outside are text."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from downpass.sim.rate_distortion.figure import mean_figure, picture_figure
from downpass.sim.rate_distortion.outputs import write_out


def image(codec: str) -> dict[str, Any]:
    points = [{"bpp": rate, "psnr_db": 30 + 5 * rate, "ms_ssim": 0.9} for rate in (0.5, 1.0)]
    sizes = {"width": 8, "height": 9, "bands": 1, "bit_depth": 8}
    return {**sizes, "codecs": {codec: {"points": points}}}


@pytest.mark.parametrize(
    "name",
    [r"$\frac$", "$x$", "a\nb", "\udcff", "\x1b[31m", "漢字", "x" * 251],
    ids=["formula", "dollars", "lines", "surrogate", "escape", "letters", "long"],
)
def test_a_name_is_no_formula(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = [picture_figure(name, image("student")), picture_figure("p", image(name[:40]))]
    plain = imagecodecs.png_decode(picture_figure("p", image("student")))
    for figure in figures:
        drawn = imagecodecs.png_decode(figure)
        assert drawn.shape == plain.shape
        assert not np.array_equal(drawn, plain)


def test_a_folder_of_odd_names_gets_all_its_figures(tmp_path: Path) -> None:
    names = [r"$\frac$", "n\nl", "x" * 251, "x" * 250 + "y", "é" * 120]
    codec = image("student")["codecs"]
    found = {
        "settings": {"rates_bpp": [0.5, 1.0]},
        "images": {name: image("student") for name in names},
        "codecs": codec,
    }
    write_out(tmp_path / "out", found)
    assert len(list((tmp_path / "out").glob("rd-*.png"))) == len(names)
    assert (tmp_path / "out" / "rd-n\nl.png").exists()


def curves(*quality: float | None) -> dict[str, Any]:
    points = [
        {"bpp": rate, "psnr_db": value, "ms_ssim": 0.9}
        for rate, value in zip((0.5, 1.0, 2.0), quality, strict=True)
    ]
    return {"codecs": {codec: {"points": points} for codec in ("jpeg2000", "jpegxl")}}


def blue(figure: bytes) -> int:
    """Return how many pixels have the colour of the second codec."""
    pixels = imagecodecs.png_decode(figure)[..., :3]
    return int((pixels == (0x00, 0x72, 0xB2)).all(axis=2).sum())


def test_a_picture_without_a_curve_does_not_empty_the_mean() -> None:
    settings = {"rates_bpp": [0.5, 2.0]}
    codecs = {"jpeg2000": {}, "jpegxl": {}, "ccsds121": {}}
    exact = {"points": [{"bpp": 3.0, "psnr_db": None, "ms_ssim": 1.0}]}
    pictures = {"a": curves(30, 35, 40), "b": curves(32, 37, 42)}
    constant = curves(None, None, None)
    for one in (*pictures.values(), constant):
        one["codecs"]["ccsds121"] = exact
    plain = blue(mean_figure({"settings": settings, "codecs": codecs, "images": pictures}))
    images = {**pictures, "constant": constant}
    found = blue(mean_figure({"settings": settings, "codecs": codecs, "images": images}))
    empty = {"settings": settings, "codecs": codecs, "images": {"constant": constant}}
    nothing = blue(mean_figure(empty))
    assert plain > 2 * nothing
    assert found == pytest.approx(plain, rel=0.05)
