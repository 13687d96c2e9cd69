"""The command group, and the one translation from an error to a line on stderr and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from threading import Event
from typing import NoReturn

import click

from entailment.cli.calibrate import calibrate
from entailment.cli.card import card
from entailment.cli.check import check
from entailment.cli.classify import classify
from entailment.cli.evaluate import evaluate
from entailment.cli.info import info
from entailment.cli.job import job
from entailment.cli.nli import nli
from entailment.cli.notes import complain, library_notes, say
from entailment.cli.push import push
from entailment.cli.quantize import quantize
from entailment.cli.serve import serve
from entailment.cli.streams import forget, open_closed_streams, told_stdout
from entailment.cli.train import train
from entailment.errors import EntailmentError, LabelOrderError

INTERRUPTED = 130
TERMINATED = 143

EXIT_CODES = {
    0: "done",
    1: "a fault of ours (ENTAIL_TRACEBACK=1 shows where), a reader that closed the pipe early, or a worker "
    "of a job that died",
    2: "the input cannot be used: options, texts, labels, files, checkpoints",
    3: "an optional dependency is missing; the line says how to install it",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command explains itself: entail classify --help. Answers go to stdout, notes to stderr.",
)
@click.version_option(package_name="entailment", message="%(prog)s %(version)s")
def entail() -> None:
    """Natural language inference and zero-shot classification on compact encoders, without PyTorch.

    \b
    entail classify "The striker scored twice in the final" --labels sports,politics,cooking
    entail nli "A man is playing a guitar on stage." "Someone is making music."
    """


for _command in (classify, nli, check, job, serve, train, evaluate, calibrate, card, push, quantize, info):
    entail.add_command(_command)


def main() -> NoReturn:
    """What the installed command `entail` runs."""
    terminated = Event()

    def terminate(*_: object) -> None:
        # Terminated politely, the interpreter unwinds: a half-written output is removed on the way.
        terminated.set()
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, terminate)
    open_closed_streams()
    code = run(sys.argv[1:], terminated)
    sys.exit(TERMINATED if terminated.is_set() else code)


def run(arguments: Sequence[str], terminated: Event | None = None) -> int:
    """Runs one command line and returns its exit code; every error is one line on stderr by then.

    Args:
        arguments: of the command line.
        terminated: set once the process was told to end. An extension module that is just being imported
            makes an ImportError of the exception that ends it.
    """
    with library_notes(), told_stdout():
        try:
            code = entail.main(args=list(arguments), prog_name="entail", standalone_mode=False)
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except LabelOrderError as error:
            complain(f"{error} (here: --label-order contradiction,entailment,neutral)")
            return error.exit_code
        except EntailmentError as error:
            complain(str(error))
            return error.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            say(error.ctx.get_help() if error.ctx else error.format_message())
            return error.exit_code
        except click.UsageError as error:
            where = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
            complain(f"{error.format_message()}{where}")
            return error.exit_code
        except click.ClickException as error:
            complain(error.format_message())
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            complain("interrupted")
            return INTERRUPTED
        except BrokenPipeError:
            forget(sys.stdout)
            return 1
        except Exception as error:
            if terminated is not None and terminated.is_set():
                return TERMINATED
            if os.environ.get("ENTAIL_TRACEBACK"):
                raise
            complain(f"{type(error).__name__}: {error} (a fault of ours; ENTAIL_TRACEBACK=1 shows where)")
            return 1
