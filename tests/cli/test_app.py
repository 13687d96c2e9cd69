"""The command group: help, exit codes, interrupts, closed pipes, and docs/cli.md."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import ENTAIL, Entail

from entailment.cli.notes import one_line
from entailment.cli.reference import reference
from entailment.errors import MissingExtraError

ROOT = Path(__file__).parents[2]


def test_help(entail: Entail) -> None:
    for arguments in (["--help"], ["-h"]):
        found = entail(*arguments)
        assert (found.code, found.err) == (0, "")
        for command in ("classify", "nli", "check", "quantize", "serve", "evaluate", "info"):
            assert f"\n  {command} " in found.out


@pytest.mark.parametrize("command", ["classify", "nli", "check", "quantize", "serve", "evaluate", "info"])
def test_help_of_a_command_shows_examples(entail: Entail, command: str) -> None:
    found = entail(command, "--help")
    assert found.code == 0
    assert f"\n  entail {command}" in found.out
    assert "\b" not in found.out


def test_no_command_is_the_help_on_stderr(entail: Entail) -> None:
    found = entail()
    assert (found.code, found.out) == (2, "")
    assert "Usage: entail" in found.err


def test_version(entail: Entail) -> None:
    found = entail("--version")
    assert found.code == 0
    assert found.out.startswith("entail 0.")


def test_help_loads_no_room() -> None:
    program = (
        "import sys\nfrom entailment.cli.app import run\nrun(['classify', '--help'])\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "loaded &= {'numpy', 'onnxruntime', 'rich', 'tokenizers'}\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_the_reference_is_that_of_the_commands() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "run `make docs`"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("entailment.tasks.nli.NLI.__init__", fail)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MissingExtraError("torch", extra="train", purpose="this"), 3, "this needs torch: pip install"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            RuntimeError("no idea\nat all"),
            1,
            "RuntimeError: no idea at all (a fault of ours; ENTAIL_TRACEBACK=1",
        ),
        (MemoryError(), 1, "MemoryError"),
        (RecursionError("deep"), 1, "RecursionError: deep"),
    ],
)
def test_exit_codes(
    entail: Entail, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    failing(monkeypatch, error)
    found = entail("nli", "a", "b")
    assert found.code == code
    assert found.err.strip().splitlines()[-1].startswith(f"entail: error: {message}")
    assert "Traceback" not in found.err


def test_a_traceback_on_request(entail: Entail, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("no idea"))
    monkeypatch.setenv("ENTAIL_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="no idea"):
        entail("nli", "a", "b")


@pytest.mark.parametrize("rows", [1, 5000])
def test_a_reader_that_leaves_early_is_no_error(model: Path, rows: int) -> None:
    arguments = [*ENTAIL, "classify", "--input", "-", "--labels", "food,sports", "--model", str(model)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # it may be gone before it has read all
            process.stdin.write(b"soup and bread\n" * rows)
            process.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def in_a_shell(redirected: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What the installed command does with its streams as a shell redirects them."""
    command = ["sh", "-c", f'exec "$@" {redirected}', "sh", *ENTAIL, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_streams_that_were_closed_lead_nowhere(model: Path, form: list[str]) -> None:
    command = ["classify", "bread " * 100, "--labels", "food,sports", "--model", model, *form]
    answered = in_a_shell("", *command)
    assert "is longer than the model reads" in answered.stderr
    found = in_a_shell(">&-", *command)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", answered.stderr)
    found = in_a_shell("2>&-", *command)
    assert (found.returncode, found.stdout, found.stderr) == (0, answered.stdout, "")
    found = in_a_shell("<&- >&- 2>&-", *command)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "command", [["classify", "--input", "-", "--labels", "a,b"], ["nli", "--input", "-"]]
)
def test_a_standard_input_that_was_closed_holds_no_rows(command: list[str]) -> None:
    found = in_a_shell("<&-", *command)
    assert found.returncode == 2
    assert found.stderr == "entail: error: standard input holds no rows\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_full_streams(model: Path, form: list[str], unbuffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = ["classify", "bread " * 100, "--labels", "food,sports", "--model", model, *form]
    answered = in_a_shell("", *command)
    found = in_a_shell("> /dev/full", *command)
    assert found.returncode == 2
    told = "entail: error: cannot write to standard output: No space left on device\n"
    assert found.stderr == answered.stderr + told
    found = in_a_shell("2> /dev/full", *command)  # what cannot be said is left unsaid
    assert (found.returncode, found.stdout) == (0, answered.stdout)


def test_another_error_of_the_system_stays_a_fault_of_ours(
    entail: Entail, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, OSError(28, "No space left on device"))
    found = entail("nli", "a", "b")
    assert found.code == 1
    assert "a fault of ours" in found.err


def test_terminated_midway_leaves_nothing(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers.jsonl"
    arguments = [*ENTAIL, "classify", "--input", "-", "--labels", "a,b"]
    arguments += ["--model", str(model), "--output", str(output)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as process:
        assert process.stdin
        for _ in range(2000):
            process.stdin.write(b"soup and bread\n")
        process.stdin.flush()
        while not any(tmp_path.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
        process.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_terminated_in_the_middle_of_an_import(capfd: pytest.CaptureFixture[str]) -> None:
    program = """
import os, signal, sys
from entailment.cli import app, classify

def failing(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:
        raise ImportError("initialization failed") from None

app.entail.commands["classify"].callback = failing
sys.argv = ["entail", "classify", "a", "--labels", "b"]
app.main()
"""
    found = subprocess.run([sys.executable, "-c", program], check=False)
    assert found.returncode == 143
    assert capfd.readouterr().err == ""


def test_json_stays_valid_where_stdout_is_not_utf8(model: Path) -> None:
    arguments = [*ENTAIL, "classify", "caf\u00e9", "--labels", "food,sports", "--model", str(model)]
    environment = {"PYTHONIOENCODING": "latin-1", "PATH": ""}
    done = subprocess.run([*arguments, "--json"], env=environment, capture_output=True, check=True)
    assert b'"sequence": "caf\\u00e9"' in done.stdout
    done = subprocess.run(
        arguments, env={"PYTHONIOENCODING": "ascii:replace"}, capture_output=True, check=True
    )
    assert b"#" in done.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n b\t c", "a b c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff", "\\udcff"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_messages_are_one_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_progress_counts_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from entailment.cli.notes import progress

    def count() -> None:
        with progress("texts", 2) as advance:
            step: Callable[[int], None] = advance
            step(1)
            step(1)

    count()
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    count()
    out, err = capsys.readouterr()
    assert (out, "texts" in err) == ("", True)
