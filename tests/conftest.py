"""Settings for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# The models of the tests are tiny: a second thread would only wait for the first. Set before OpenMP loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines that run tests are shared: a slow example is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
