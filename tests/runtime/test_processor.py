"""What is known of a processor, from descriptions of others than this one."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from entailment.runtime import processor
from entailment.runtime.processor import exact_weight_bits


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """The answer is kept for as long as the process lives."""
    exact_weight_bits.cache_clear()
    yield
    exact_weight_bits.cache_clear()


def described(monkeypatch: pytest.MonkeyPatch, folder: Path, machine: str, facts: str | bytes | None) -> int:
    path = folder / "cpuinfo"
    if facts is not None:
        path.write_bytes(facts if isinstance(facts, bytes) else facts.encode())
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(processor, "CPU_FACTS", path)
    return exact_weight_bits()


@pytest.mark.parametrize(
    ("machine", "facts", "bits"),
    [
        ("x86_64", "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\n", 8),
        ("x86_64", "flags\t\t: fpu avx2 avx_vnni\n", 8),
        ("x86_64", "flags\t\t: fpu avx2 amx_int8\n", 8),
        ("x86_64", "flags\t\t: fpu avx2 avx512f\n", 7),
        ("x86_64", "flags\t\t: fpu avx512_vnnix not_avx_vnni\n", 7),
        ("x86_64", "bugs\t\t: avx_vnni\nflags\t\t: fpu\n", 7),
        ("x86_64", "", 7),
        ("x86_64", b"\xff\xfe\nflags\t: avx_vnni\n", 8),
        ("x86_64", None, 7),
        ("AMD64", None, 7),
        ("i686", None, 7),
        ("", None, 7),
        ("aarch64", None, 8),
        ("arm64", None, 8),
        ("ARM64", None, 8),
        ("armv7l", None, 7),
    ],
)
def test_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, facts: str | bytes | None, bits: int
) -> None:
    assert described(monkeypatch, tmp_path, machine, facts) == bits


def test_it_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert described(monkeypatch, tmp_path, "aarch64", None) == 8
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert exact_weight_bits() == 8
