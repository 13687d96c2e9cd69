"""The energy a run uses, as codecarbon measures or estimates it; nothing is sent or asked over a network."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COUNTRY = "CODECARBON_COUNTRY_ISO_CODE"
"""The environment variable that says where the machine stands, e.g. "FRA": carbon is known only with it."""

Energy = dict[str, float | str | None]


class Meter:
    """The energy of a run, of which earlier stretches may have used some.

    The figures are those of the whole machine. Without power counters that may be read (RAPL, NVML),
    codecarbon estimates a processor from its rated power and its load; `cpu_method` says which it was
    ("intel_rapl" is a measurement; "cpu_load" and "constant" are estimates).

    Args:
        before: what was used before.
    """

    def __init__(self, before: Energy | None = None) -> None:
        self._before = before
        self._tracker: Any = None
        self._found: Energy | None = None

    @contextmanager
    def running(self, *, wanted: bool = True) -> Iterator[None]:
        """Measure what is done inside; codecarbon not being installed is no error."""
        self._tracker = _tracker(self) if wanted else None
        if self._tracker is None:
            yield
            return
        self._tracker.start()
        try:
            yield
        finally:
            self._tracker.stop()
            self._tracker = None

    def so_far(self) -> Energy | None:
        """All that was used, up to now; None where codecarbon is not installed."""
        if self._tracker is not None:
            self._tracker.flush()
        return together(self._before, self._found)

    # The rest is what codecarbon calls of an output.

    def out(self, total: Any, delta: Any) -> None:
        """Take down what it has found since it was started: it was flushed or stopped."""
        self._found = _found(total, self._tracker)

    def live_out(self, total: Any, delta: Any) -> None:
        """Now and then, in a thread of its own, and unasked: nothing is made of that."""

    def exit(self) -> None:
        """It was stopped: there is nothing to close."""


def together(one: Energy | None, other: Energy | None) -> Energy | None:
    """The energy of two stretches of one run."""
    if one is None or other is None:
        return one or other
    return {name: _sum(one.get(name), value) for name, value in other.items()}


def _sum(one: float | str | None, other: float | str | None) -> float | str | None:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if not isinstance(other, int | float) else None


def _tracker(output: Meter) -> Any:
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # It says much before it reads its own level.
    country = os.environ.get(COUNTRY)
    return OfflineEmissionsTracker(
        country_iso_code=country,
        output_methods=[],
        output_handlers=[output],
        log_level="critical",
        allow_multiple_runs=True,
        measure_power_secs=15,
        tracking_mode="machine",
    )


def _found(data: Any, tracker: Any) -> Energy:
    stated = os.environ.get(COUNTRY) is not None
    return {
        "kwh": data.energy_consumed,
        "cpu_kwh": data.cpu_energy,
        "gpu_kwh": data.gpu_energy,
        "ram_kwh": data.ram_energy,
        "co2_kg": data.emissions if stated else None,
        "country": data.country_name if stated else None,
        "cpu_method": next((hw._mode for hw in tracker._hardware if hasattr(hw, "_mode")), None),
        "seconds": data.duration,
    }
