"""Write the tables of the learned codec's pages in docs/, from files of measured figures.

    python benchmarks/codec_page.py [--check]

Figures come from the cards of model and decoders, from `evaluation.csv` beside the model, and from
docs/measured/*.csv. `benchmarks/renew.py` measures those that follow from the weights. Studies that
were made once are measured by the commands that docs/codec-studies.md names. Each table stands
between two comments, `<!-- measured: NAME -->` and `<!-- end -->`; everything else on the pages is
written by hand. With `--check` nothing is written, and the exit status is 1 if a page differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from downpass.ground.decoders.student_networks import MODELS, available
from downpass.link.student.shared_model import FOLDER

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MEASURED = DOCS / "measured"
GROUPS = (
    ("NAIP, Bishop", "naip_bishop"),
    ("Sentinel-2", "s2_t33uuu"),
    ("infrared composite", "s2_t33uuu_cir"),
    ("Landsat 7", "l7_"),
    ("WorldView-2, panchromatic", "spacenet_"),
    ("NEON 0.1 m", "neon_"),
    ("Landsat 8, one band", "l8_b2"),
    ("drone", "uas_"),
    ("Sentinel-2, one band", "s2_scene"),
    ("SWISSIMAGE", "swissimage"),
)
"""Titles of the test pictures' groups, each with the beginning of its pictures' names."""
OTHERS = (("avif", "AVIF"), ("jpegxl", "JPEG XL"))
RANGES = ((0.1, 0.2), (0.2, 0.4), (0.4, 0.8), (0.8, 1.5))
"""Parts of JPEG 2000's rates in bits per pixel, over each of which there is a BD-rate by PSNR."""

Row = dict[str, str]


def read(name: str) -> list[Row]:
    """Return the rows of a file of measured figures; none if it was never measured."""
    path = MEASURED / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def percent(value: float | None, digits: int = 1) -> str:
    """Return a change as the pages show it, with a true minus sign."""
    return "–" if value is None else f"{value:+.{digits}f} %".replace("-", "−")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def card(folder: Path = FOLDER) -> dict[str, Any]:
    """Return the card of the model, or of a decoder."""
    found: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return found


def model() -> str:
    """Return which weights are shipped and how long they were trained."""
    found = card()["training"]
    text = (
        f"The shipped weights are `{card()['fingerprint']}`: {found['steps']:,} steps in "
        f"{found['minutes']:.0f} minutes"
    )
    if "began_from" in found:
        text += (
            f", begun from `{found['began_from']}`, which had {found['steps_before']:,} steps in "
            f"{found['minutes_before']:.0f} minutes"
        )
    return text + "."


def decoders() -> str:
    """Return the table of decoders: cost, and BD-rate held out and on the test pictures."""
    found = read("student_rd")
    rows = []
    for name in available():
        own = card(MODELS / name)
        test = [float(r["bd_rate_psnr"]) for r in found if r["codec"] == f"student {name}"]
        rows.append(
            (
                f"`{name}`",
                f"{own['kmac_per_pixel']:.1f}",
                f"{own['training']['steps']:,}",
                percent(100 * own["held_out"]["bd_rate"]),
                percent(fmean(test)) if test else "–",
            )
        )
    head = ("decoder", "kMAC/px", "steps, encoder frozen", "held out", "28 test pictures")
    return table(head, rows)


def rate_distortion() -> str:
    """Return the table of the test pictures by group: BD-rates by PSNR and by MS-SSIM."""
    found = read("student_rd")
    codecs = [(f"student {name}", f"`{name}`") for name in available()]
    codecs = [*codecs, *OTHERS]
    codecs = [one for one in codecs if any(r["codec"] == one[0] for r in found)]

    def cells(title: str, begins: str) -> list[str]:
        chosen = [row for row in found if row["picture"].startswith(begins)]
        count = len({row["picture"] for row in chosen})
        out = [title, str(count)]
        for codec, _ in codecs:
            means = []
            for key in ("bd_rate_psnr", "bd_rate_ms_ssim"):
                values = [float(r[key]) for r in chosen if r["codec"] == codec and r[key]]
                means.append(percent(fmean(values)) if values else "–")
            out.append(", ".join(means))
        return out

    head = ["group", "pictures", *(title for _, title in codecs)]
    rows = [cells("**all**", ""), *(cells(*group) for group in GROUPS)]
    rows[0][2] = f"**{rows[0][2]}**"
    return table(head, rows)


def column(low: float, high: float) -> str:
    """Return the name of the column of docs/measured/student_rd.csv for a range of rates."""
    return f"bd_rate_psnr_{low:g}_{high:g}"


def by_rate() -> str:
    """Return the table of BD-rates over parts of the rates, and how many pictures lose there."""
    found = read("student_rd")
    codecs = [(f"student {name}", f"`{name}`") for name in available()]
    codecs = [*codecs, *OTHERS]

    def cell(codec: str, name: str) -> str:
        values = [float(r[name]) for r in found if r["codec"] == codec and r.get(name)]
        if not values:
            return "–"
        return f"{percent(fmean(values))} ({sum(v > 0 for v in values)} of {len(values)})"

    rows = [
        [f"{low:g} to {high:g} bpp", *(cell(codec, column(low, high)) for codec, _ in codecs)]
        for low, high in RANGES
    ]
    return table(["JPEG 2000 at", *(title for _, title in codecs)], rows)


def multiband() -> str:
    """Return the table of pictures of many bands."""
    rows = [
        (
            f"`{row['picture']}`",
            f"{row['bands']}, {row['bit_depth']}",
            percent(float(row["bd_rate_psnr"])) if row["bd_rate_psnr"] else "–",
            f"{float(row['coverage']):.0%}".replace("%", " %"),
            percent(float(row["bd_rate_ms_ssim"])) if row["bd_rate_ms_ssim"] else "–",
            percent(float(row["jpegxl_psnr"])) if row["jpegxl_psnr"] else "–",
            f"{float(row['ceiling_db']):.0f} dB",
        )
        for row in read("student_multiband")
    ]
    head = ("picture", "bands, bits", "student", "covered", "MS-SSIM", "JPEG XL", "ceiling")
    return table(head, rows)


def held_out() -> str:
    """Return BD-rate and coverage of the held-out pictures, by group."""
    found = card()["held_out"]
    groups = sorted(found["groups"].items(), key=lambda item: item[1]["bd_rate"])
    rows = [
        ("**all**", str(sum(g["pictures"] for _, g in groups)), percent(100 * found["bd_rate"]))
    ]
    rows += [(name, str(g["pictures"]), percent(100 * g["bd_rate"])) for name, g in groups]
    return table(("group", "pictures", "BD-rate"), rows)


def training() -> str:
    """Return the held-out BD-rate against steps and minutes of the trainings."""
    with (FOLDER / "evaluation.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (
                row["stage"],
                f"{float(row['minutes']):.0f}",
                row["step"],
                percent(100 * float(row["bd_rate"])),
            )
            for row in csv.DictReader(file)
        ]
    return table(("stage", "minutes", "step", "BD-rate"), rows)


METHODS = {
    "descent": "symbols moved by descent through the decoder",
    "gumbel": "Gumbel annealing, then descent",
    "weights": "the encoder's weights fitted to these crops",
}
"""Titles of the methods of benchmarks/latent_search.py."""
ARMS = {
    "own": "its own decoder and entropy model",
    "inherited": "the teacher's decoder and entropy model",
    "taught": "the teacher's, and lessons on the latents",
}
"""Titles of the arms of benchmarks/distillation.py."""
LEAST = 0.5
"""Part of JPEG 2000's range that a curve must cover for a BD-rate that says something."""
STUDENTS = {"ours": "this project's", "rs-llic": "RS-LLIC's"}


def with_spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the mean of figures in per cent, with their standard deviation if there are more."""
    if len(values) < 2:
        return percent(values[0] if values else None, digits)
    return f"{percent(fmean(values), digits)[:-2]} ± {stdev(values):.{digits}f} %"


def bottleneck() -> str:
    """Return what better latents gain through the decoder."""
    rows = []
    for method, title in METHODS.items():
        found = [r for r in read("latent_bottleneck") if r["method"] == method]
        figures = [
            [float(row[f"change_{counted}"]) for row in found]
            for counted in ("tables", "likelihoods")
        ]
        if found:
            rows.append((title, str(len(found)), *map(with_spread, figures)))
    return table(("latents", "crops", "with stored tables", "by likelihoods"), rows)


def teacher() -> str:
    """Return the teacher beside the student that was trained equally long."""
    rows = [
        (row["model"], row["steps"], row["pictures"], percent(float(row["bd_rate"]), 2))
        for row in read("distillation_teacher")
    ]
    return table(("trained from the shipped weights", "steps", "pictures", "BD-rate"), rows)


def arms() -> str:
    """Return the arms of the distillation study: mean and deviation over seeds."""
    found = read("distillation_arms")
    reached = {(r["arm"], r["seed"]): 1 + float(r["bd_rate"]) / 100 for r in found}
    rows = []
    for arm, title in ARMS.items():
        seeds = [seed for name, seed in reached if name == arm]
        if not seeds:
            continue
        values = [100 * (reached[arm, seed] - 1) for seed in seeds]
        changes = [
            100 * (reached[arm, seed] / reached["own", seed] - 1)
            for seed in seeds
            if ("own", seed) in reached and arm != "own"
        ]
        steps = next(row["steps"] for row in found if row["arm"] == arm)
        changed = with_spread(changes, 2)
        rows.append((title, steps, str(len(seeds)), with_spread(values, 2), changed))
    head = ("student", "steps", "seeds", "BD-rate, mean ± deviation", "change, seed by seed")
    return table(head, rows)


def reference() -> str:
    """Return RS-LLIC's student beside this project's, both trained from scratch."""
    rows = [
        (
            STUDENTS[row["student"]],
            f"{float(row['onboard_kmac']):.1f}",
            f"{float(row['decoder_kmac']):.1f}",
            f"{float(row['seconds_a_step']):.2f} s",
            row["steps"],
            row["minutes"],
            f"{float(row['objective']):.2f}".replace("-", "−"),
            percent(100 * float(row["bd_rate"])) if float(row["coverage"] or 0) > LEAST else "–",
            f"{float(row['coverage']):.0%}".replace("%", " %") if row["coverage"] else "–",
        )
        for row in read("reference_students")
    ]
    figures = ("onboard", "decoder", "a step", "steps", "minutes", "objective")
    head = ("student", *figures, "BD-rate", "covered")
    return table(head, rows)


def compared_rates(name: str) -> str:
    """Return held-out BD-rates, and how each changes the rate of the first."""
    found = read(name)
    reached = [1 + float(row["bd_rate"]) / 100 for row in found]
    rows = [
        (
            row["codec"],
            row["steps"],
            row["pictures"],
            percent(float(row["bd_rate"])),
            percent(100 * (one / reached[0] - 1)) if one != reached[0] else "–",
        )
        for row, one in zip(found, reached, strict=True)
    ]
    return table(("codec", "steps", "pictures", "BD-rate", "change"), rows)


TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "codec.md": {
        "model": model,
        "decoders": decoders,
        "rate-distortion": rate_distortion,
        "by-rate": by_rate,
        "multiband": multiband,
    },
    "codec-training.md": {"held-out": held_out, "training": training},
    "codec-studies.md": {
        "bottleneck": bottleneck,
        "teacher": teacher,
        "arms": arms,
        "reference": reference,
        "filters": lambda: compared_rates("lapped_filters"),
        "branch": lambda: compared_rates("analysis_branch"),
    },
}
"""The tables of each page."""


def renewed(name: str, text: str) -> str:
    """Return a page's text with every table written anew.

    Args:
        name: The page's file in docs/.
        text: Its text.

    Raises:
        ValueError: A table is missing on the page, or the page has one that nobody knows.
    """
    tables = TABLES[name]
    found = re.findall(r"<!-- measured: (\S+) -->", text)
    if sorted(found) != sorted(tables):
        raise ValueError(f"{name}: found tables {sorted(found)}; allowed: {sorted(tables)}")
    for title, make in tables.items():
        begin = f"<!-- measured: {title} -->\n"
        before, after = text.split(begin)
        _, after = after.split("<!-- end -->", 1)
        text = f"{before}{begin}\n{make()}\n\n<!-- end -->{after}"
    return text


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    differ = False
    for name in TABLES:
        text = (DOCS / name).read_text(encoding="utf-8")
        wanted = renewed(name, text)
        if wanted == text:
            continue
        differ = True
        if options.check:
            sys.stderr.write(f"docs/{name} differs; run benchmarks/codec_page.py\n")
        else:
            (DOCS / name).write_text(wanted, encoding="utf-8")
    return int(options.check and differ)


if __name__ == "__main__":
    sys.exit(main())
