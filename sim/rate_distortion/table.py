"""Print a comparison as a table: each codec over all pictures and over each group."""

from __future__ import annotations

from typing import Any

from ..console import terminal
from .compare import ALL, ANCHOR


def print_table(found: dict[str, Any]) -> None:
    """Print the means of each codec, then notes on what was measured."""
    settings = found["settings"]
    low, high = settings["rates_bpp"]
    table = terminal.plain_table(
        f"BD-rate against {ANCHOR}, over what it reaches from {low:g} to {high:g} bpp",
        (
            ("codec", False),
            ("pictures", False),
            *((name, True) for name in ("PSNR\n%", "covered", "MS-SSIM\n%", "covered")),
            *((name, True) for name in ("encode\nMpx/s", "×\nJPEG 2000", "decode\nMpx/s")),
        ),
        whole=("codec",),
    )
    for codec, means in found["codecs"].items():
        for group, row in means["groups"].items():
            first = group == ALL
            table.add_row(
                codec if first else "",
                f"{group} ({_count(row)})",
                _signed(row["bd_rate_psnr_percent"]),
                _share(row["coverage_psnr"]),
                _signed(row["bd_rate_ms_ssim_percent"]),
                _share(row["coverage_ms_ssim"]),
                _speed(means["encode_mpx_s"]) if first else "",
                f"{means['encode_speed_ratio']:.1f}" if first else "",
                _speed(means["decode_mpx_s"]) if first else "",
            )
        table.add_section()
    terminal.print_table(table)
    for line in notes(found):
        terminal.print_rows([(line,)])


def notes(found: dict[str, Any]) -> list[str]:
    """Return notes for the table: the worst group, the costs, and what was coded."""
    settings, images = found["settings"], found["images"]
    out = []
    for codec, means in found["codecs"].items():
        worst = means["worst_group"]
        judged = means["groups"][ALL]["judged"]
        if codec == ANCHOR or (worst is None and judged == len(images)):
            continue
        parts = []
        if worst is not None:
            mean = means["groups"][worst]["bd_rate_psnr_percent"]
            parts.append(f"worst group {worst}, {_signed(mean)} %")
        losing = [
            f"{name} {_signed(image['codecs'][codec]['bd_rate_psnr_percent'])} %"
            for name, image in images.items()
            if (image["codecs"][codec]["bd_rate_psnr_percent"] or 0) > 0
        ]
        if judged:
            parts.append(f"{len(losing)} of {judged} pictures need more bytes than {ANCHOR}")
        if 0 < len(losing) <= 3:
            parts[-1] += f" ({', '.join(losing)})"
        if "kmac_per_pixel" in means:
            parts.append(f"{means['kmac_per_pixel']['onboard']:g} kMAC a pixel on board")
        if judged < len(images):
            parts.append(
                f"{len(images) - judged} of {len(images)} have no BD-rate, because they have no "
                f"PSNR in common with {ANCHOR} at these rates"
            )
        out.append(f"{codec}: {'; '.join(parts)}.")
    out.append(
        "Real bytes, container included. Speed in processor time of one core, the median "
        f"picture, at the quality that comes nearest to {settings['speed_bpp']:g} bpp."
    )
    cropped = [image for image in images.values() if image["crop"]]
    if cropped:
        side = settings["crop"]
        of = f"the middle {side} x {side} pixels of the larger pictures"
        out.append(f"Coded were {of} ({len(cropped)} of {len(images)}); --crop 0 codes them whole.")
    return out


def _count(row: dict[str, Any]) -> str:
    """Return the number of a group's pictures, and how many of them have a BD-rate if not all."""
    return (
        f"{row['images']}"
        if row["judged"] == row["images"]
        else "{judged} of {images}".format(**row)
    )


def _signed(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:+.1f}"


def _speed(megapixels: float) -> str:
    return f"{megapixels:.1f}" if megapixels >= 0.1 else f"{megapixels:.2g}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
