"""A comparison as text: every codec, all pictures together and each group alone."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from .compare import ALL, ANCHOR

_PLAIN_WIDTH = 120


def print_table(found: dict[str, Any]) -> None:
    """Print the means of each codec, then what the figures are of."""
    settings = found["settings"]
    low, high = settings["rates_bpp"]
    table = Table(
        title=f"BD-rate against {ANCHOR}, over what it reaches from {low:g} to {high:g} bpp",
        title_justify="left",
    )
    table.add_column("codec")
    table.add_column("pictures")
    for name in ("PSNR %", "covered", "MS-SSIM %", "covered", "encode Mpx/s", "× JPEG 2000"):
        table.add_column(name, justify="right")
    table.add_column("decode Mpx/s", justify="right")
    for codec, means in found["codecs"].items():
        for group, row in means["groups"].items():
            first = group == ALL
            table.add_row(
                codec if first else "",
                f"{group} ({row['images']})",
                _signed(row["bd_rate_psnr_percent"]),
                _share(row["coverage_psnr"]),
                _signed(row["bd_rate_ms_ssim_percent"]),
                _share(row["coverage_ms_ssim"]),
                f"{means['encode_mpx_s']:.1f}" if first else "",
                f"{means['encode_speed_ratio']:.1f}" if first else "",
                f"{means['decode_mpx_s']:.1f}" if first else "",
            )
        table.add_section()
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    console.print(table)
    for line in notes(found):
        console.print(line, highlight=False)


def notes(found: dict[str, Any]) -> list[str]:
    """Return what the table leaves unsaid: the worst group, costs, what was coded."""
    settings, images = found["settings"], found["images"]
    out = []
    for codec, means in found["codecs"].items():
        worst = means["worst_group"]
        if codec == ANCHOR or worst is None:
            continue
        parts = [
            f"worst group {worst}, {_signed(means['groups'][worst]['bd_rate_psnr_percent'])} %"
        ]
        losing = [
            f"{name} {_signed(image['codecs'][codec]['bd_rate_psnr_percent'])} %"
            for name, image in images.items()
            if (image["codecs"][codec]["bd_rate_psnr_percent"] or 0) > 0
        ]
        parts.append(f"{len(losing)} of {len(images)} pictures need more bytes than {ANCHOR}")
        if 0 < len(losing) <= 3:
            parts[-1] += f" ({', '.join(losing)})"
        if "kmac_per_pixel" in means:
            parts.append(f"{means['kmac_per_pixel']['onboard']:g} kMAC a pixel on board")
        out.append(f"{codec}: {'; '.join(parts)}.")
    out.append(
        "Real bytes, container included. Speed in processor time of one core, the median "
        f"picture, at the quality that gives {settings['speed_bpp']:g} bpp."
    )
    cropped = [image for image in images.values() if image["crop"]]
    if cropped:
        side = settings["crop"]
        of = f"the middle {side} x {side} pixels of the larger pictures"
        out.append(f"Coded were {of} ({len(cropped)} of {len(images)}); --crop 0 codes them whole.")
    return out


def _signed(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:+.1f}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
