from __future__ import annotations

import math
from dataclasses import fields

import pytest

from entailment.errors import InputError
from entailment.serve.settings import Limits, Settings


@pytest.mark.parametrize("name", ["workers", "check_threads"])
def test_threads_are_as_few_as_a_machine_can_do_with(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is 100000; it must be a whole number from 1 to"):
        Settings(**{name: 100_000})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "7"])
def test_limits_are_positive_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{name} must be a positive whole number"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["workers", "queue_pairs", "queue_tokens", "batch_tokens", "connections"])
def test_counts_too(name: str) -> None:
    with pytest.raises(InputError, match=name):
        Settings(**{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline_seconds", 0),
        ("drain_seconds", math.inf),
        ("max_wait_seconds", -1),
        ("body_seconds", math.nan),
    ],
)
def test_times_are_finite(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", "  ", "schlüssel", "a\nb"])
def test_keys_that_no_header_can_bear(key: str) -> None:
    with pytest.raises(InputError, match="API key"):
        Settings(api_keys=("fine", key))


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(Settings(api_keys=("secret",)))


def test_empty_labels() -> None:
    with pytest.raises(InputError, match="default_labels"):
        Settings(default_labels=("good", " "))


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://example.org",
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:80",
        "https://xn--bcher-kva.de",
        "capacitor://localhost",
    ],
)
def test_origins(origin: str) -> None:
    assert Settings(cors_origins=(origin,)).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "banana",
        "null",
        "example.org",
        "https://",
        "https://example.org/",
        "https://example.org/path",
        "https://Example.org",
        "https://*.example.org",
        "https://me@example.org",
        "https://example.org:",
        "https://example.org:port",
        "https://example.org, https://example.com",
    ],
)
def test_what_no_browser_calls_an_origin(origin: str) -> None:
    with pytest.raises(InputError, match=r"cors_origins holds .*, which is no origin"):
        Settings(cors_origins=("https://example.org", origin))
