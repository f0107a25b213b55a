"""Renew everything that follows from new weights, in one command.

    nice python benchmarks/renew.py --images TRAIN --pictures TEST [--multiband FOLDER]
        [--checkpoint RUN/best.ckpt] [--decoder full=RUN/best.ckpt] [--stage TEXT] [--only STEP …]

Steps, in this order; one that has no input is left out:

  ship        export the checkpoint into the package: integers, graphs, cards, held-out curves
  decoders    export other decoders that were trained for the model in the package
  logs        add the run's evaluations and training log to those beside the model
  exactness   ONNX Runtime, C, numpy and torch give the same bytes and pixels, with every decoder
  firmware    the boards' headers can be written: the kernels support the model
  curves      rate and distortion of the test pictures, with every decoder  → docs/measured
  multiband   the same of pictures of many bands                           → docs/measured
  page        the tables of docs/codec*.md, from these figures and the cards

Boards' golden tiles, fingerprints and headers are made from the package's model when a firmware is
built, and processors' rates depend on the number of multiplications alone, so both follow by
themselves. Curves of other codecs are kept in the cache: only the student is measured again.
What is printed at the end has to be entered by hand where a page quotes it: README.md, and the
sentences around the tables of docs/codec.md and docs/codec-training.md.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from downpass.ground.bd_rate import bd_rate
from downpass.ground.decoders.student_networks import available
from downpass.link.student.shared_model import FOLDER

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "docs" / "measured"
EXPORT = "downpass.ground.training.export.ship"
LOGS = ("evaluation.csv", "training.csv")


def run(*arguments: object) -> None:
    """Run another command of this Python.

    Raises:
        subprocess.CalledProcessError: It fails.
    """
    subprocess.run([sys.executable, *map(str, arguments)], check=True, cwd=ROOT)


def corpus(options: argparse.Namespace) -> list[object]:
    """Return the options that name the training pictures."""
    if options.images is None:
        raise SystemExit("--images: needed to export a checkpoint")
    cache = [] if options.cache is None else ["--cache", options.cache]
    return ["--images", options.images, *cache]


def ship(options: argparse.Namespace) -> None:
    """Export the checkpoint into the package."""
    if options.checkpoint is not None:
        run("-m", EXPORT, "--checkpoint", options.checkpoint, *corpus(options))


def decoders(options: argparse.Namespace) -> None:
    """Export other decoders into the package."""
    for entry in options.decoder:
        name, _, checkpoint = entry.partition("=")
        run("-m", EXPORT, "--decoder", name, "--checkpoint", checkpoint, *corpus(options))


def logs(options: argparse.Namespace) -> None:
    """Add the run's logs to those beside the model, under the name of its stage."""
    if options.checkpoint is None:
        return
    for name in LOGS:
        source = options.checkpoint.parent / name
        if source.exists():
            add_rows(FOLDER / name, source, options.stage)


def add_rows(path: Path, source: Path, stage: str) -> None:
    """Add the rows of one table to another, whose columns become those of both.

    Rows that `path` already has under the same stage are replaced.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"] != stage]
    with source.open(newline="", encoding="utf-8") as file:
        rows += [{"stage": stage, **row} for row in csv.DictReader(file)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def exactness(options: argparse.Namespace) -> None:
    """Check that all implementations agree."""
    command = ["-m", "downpass.ground.training.verify.exactness", "--crop", 96, "--qualities", 3]
    run(*command, *([options.pictures] if options.pictures else []))


def firmware(_options: argparse.Namespace) -> None:
    """Write the boards' headers, to see that the kernels support the model."""
    with tempfile.TemporaryDirectory() as folder:
        run("-m", "downpass.payload.board.firmware.weights", "--out", folder)


def compared(folder: Path, options: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """Return the results of comparing codecs on a folder of pictures, by picture."""
    from downpass.sim.frames.content_cache import open_cache
    from downpass.sim.rate_distortion.compare import compare_codecs

    def heard(name: str, image: dict[str, Any]) -> None:
        value = image["codecs"]["student"]["bd_rate_psnr_percent"]
        print(f"  {name:28} {value}", flush=True)

    cached = open_cache(options.curves)
    images: dict[str, Any] = compare_codecs([folder], cached=cached, on_picture=heard, **settings)[
        "images"
    ]
    return images


def curves(options: argparse.Namespace) -> None:
    """Measure the test pictures with every decoder."""
    if options.pictures is None:
        return
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from codec_page import RANGES, column  # a benchmark beside this one

    rows: list[dict[str, Any]] = []
    for name in available():
        print(f"decoder {name}", flush=True)
        others = ["avif", "jpegxl"] if name == "fast" else []
        images = compared(options.pictures, options, codecs=["student", *others], decoder=name)
        for picture, image in images.items():
            for codec, found in image["codecs"].items():
                if codec == "jpeg2000":
                    continue
                rows.append(
                    {
                        "picture": picture,
                        "codec": f"student {name}" if codec == "student" else codec,
                        "bd_rate_psnr": rounded(found["bd_rate_psnr_percent"]),
                        "coverage": rounded(found["coverage_psnr"], 4),
                        "bd_rate_ms_ssim": rounded(found["bd_rate_ms_ssim_percent"]),
                        **{column(*part): over(image, codec, part) for part in RANGES},
                    }
                )
    rows.sort(key=lambda row: (row["codec"], row["picture"]))
    write("student_rd", rows)


def over(image: dict[str, Any], codec: str, rates: tuple[float, float]) -> str:
    """Return a codec's BD-rate by PSNR on a picture over a part of JPEG 2000's rates."""
    anchor, test = (
        [(point["bpp"], point["psnr_db"]) for point in image["codecs"][name]["points"]]
        for name in ("jpeg2000", codec)
    )
    percent = bd_rate(anchor, test, rates).percent
    return rounded(percent if math.isfinite(percent) else None)


def multiband(options: argparse.Namespace) -> None:
    """Measure the pictures of many bands."""
    if options.multiband is None:
        return
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from downpass.sim.rate_distortion.compare import pictures
    from multiband import CROP, ceiling  # a benchmark beside this one

    paths = {path.stem: path for path in pictures([options.multiband])}
    images = compared(options.multiband, options, codecs=["student", "jpegxl"], crop=CROP)
    rows = []
    for picture, image in images.items():
        student, other = (image["codecs"][codec] for codec in ("student", "jpegxl"))
        rows.append(
            {
                "picture": picture,
                "bands": image["bands"],
                "bit_depth": image["bit_depth"],
                "bd_rate_psnr": rounded(student["bd_rate_psnr_percent"]),
                "coverage": rounded(student["coverage_psnr"], 4),
                "bd_rate_ms_ssim": rounded(student["bd_rate_ms_ssim_percent"]),
                "jpegxl_psnr": rounded(other["bd_rate_psnr_percent"]),
                "ceiling_db": rounded(ceiling(paths[picture])),
            }
        )
    write("student_multiband", rows)


def rounded(value: float | None, digits: int = 2) -> str:
    """Return a figure as it is stored; empty if there is none."""
    return "" if value is None else f"{value:.{digits}f}"


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write measured figures."""
    MEASURED.mkdir(exist_ok=True)
    with (MEASURED / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def page(_options: argparse.Namespace) -> None:
    """Write the tables of the learned codec's pages."""
    run(ROOT / "benchmarks" / "codec_page.py")


STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "ship": ship,
    "decoders": decoders,
    "logs": logs,
    "exactness": exactness,
    "firmware": firmware,
    "curves": curves,
    "multiband": multiband,
    "page": page,
}


def main() -> int:
    """Run the steps and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--checkpoint", type=Path, help="of the student; without it the model stays")
    add("--decoder", action="append", default=[], metavar="NAME=CKPT", help="another decoder")
    add("--stage", default="last", help="name of the run in the logs (%(default)s)")
    add("--images", type=Path, help="folder of training pictures")
    add("--cache", type=Path, help="folder for decoded training pictures")
    add("--pictures", type=Path, help="folder of test pictures")
    add("--multiband", type=Path, help="folder of pictures of many bands")
    add("--curves", type=Path, help="folder of curves (default ~/.cache/downpass)")
    add("--only", choices=STEPS, nargs="+", default=list(STEPS), help="steps to run")
    options = parser.parse_args()
    if options.checkpoint is not None and not options.checkpoint.is_file():
        parser.error(f"{options.checkpoint}: no such checkpoint")
    for name, step in STEPS.items():
        if name not in options.only:
            continue
        print(f"== {name}", flush=True)
        start = time.monotonic()
        try:
            step(options)
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{name}: the command failed with status {error.returncode}\n")
            return 1
        print(f"({time.monotonic() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
