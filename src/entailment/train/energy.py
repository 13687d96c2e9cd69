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
    """What the tracker of `metered` has found once it has stopped; None where codecarbon is not installed."""

    energy: Energy | None = None


@contextmanager
def metered(*, wanted: bool = True) -> Iterator[Meter]:
    """Measure the energy of what is done inside; codecarbon not being installed is no error.

    The figures are those of the whole machine. Without power counters that may be read (RAPL, NVML),
    codecarbon estimates a processor from its rated power and its load; `cpu_method` says which it was
    ("intel_rapl" is a measurement; "cpu_load" and "constant" are estimates).
    """
    meter = Meter()
    tracker = _tracker() if wanted else None
    if tracker is None:
        yield meter
        return
    tracker.start()
    try:
        yield meter
    finally:
        tracker.stop()
        meter.energy = _found(tracker)


def together(one: Energy | None, other: Energy | None) -> Energy | None:
    """The energy of two stretches of one run."""
    if one is None or other is None:
        return one or other
    return {name: _sum(one.get(name), value) for name, value in other.items()}


def _sum(one: float | str | None, other: float | str | None) -> float | str | None:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if not isinstance(other, int | float) else None


def _tracker() -> Any:
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # It says much before it reads its own level.
    country = os.environ.get(COUNTRY)
    return OfflineEmissionsTracker(
        country_iso_code=country,
        output_methods=[],
        log_level="critical",
        allow_multiple_runs=True,
        measure_power_secs=15,
        tracking_mode="machine",
    )


def _found(tracker: Any) -> Energy | None:
    data = tracker.final_emissions_data
    if data is None:
        return None
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
