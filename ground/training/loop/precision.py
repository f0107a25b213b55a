"""Number format that the networks compute in while they are trained."""

from __future__ import annotations

from functools import cache

import torch


@cache
def has_bfloat16(device_type: str) -> bool:
    """Return whether a device multiplies in bfloat16 (AMX or AVX-512 BF16, on x86).

    A processor without such instructions emulates them, and a step takes seven times as long as in
    float32. Accelerators are taken to have them.
    """
    if device_type != "cpu":
        return True
    return any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def mixed_precision(device_type: str, *, enabled: bool = True) -> torch.autocast:
    """Return a context in which convolutions run in bfloat16, where that is fast.

    Args:
        device_type: Type of the device, such as `cpu`.
        enabled: False for networks whose integers need all digits of a float32.
    """
    return torch.autocast(
        device_type, torch.bfloat16, enabled=enabled and has_bfloat16(device_type)
    )
