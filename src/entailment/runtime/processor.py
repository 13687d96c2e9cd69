"""What the processor of this machine offers."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

from entailment.checkpoint.quantization import WeightBits

CPU_FACTS = Path("/proc/cpuinfo")
WITH_EXACT_SUMS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""Processor flags of x86 that add products of 8-bit numbers up in 32 bits."""


def usable_processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def exact_weight_bits() -> WeightBits:
    """The most bits that weights may have for 8-bit products to be exact.

    An x86 processor without VNNI adds two products in 16 bits, and what does not fit is lost. Where nothing
    is known about the processor, it is taken for one of those. Arm adds up in 32 bits.
    """
    if platform.machine().lower() in ("arm64", "aarch64"):
        return 8
    try:
        facts = CPU_FACTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 7
    flags = next((line for line in facts.splitlines() if line.startswith("flags")), "")
    return 8 if WITH_EXACT_SUMS & set(flags.split()) else 7
