"""The command line, `entail`: every option here is a call into the library and nothing more.

`app` holds the command group and the one place where an error becomes a line on stderr and an exit code.
Each command imports the rooms it needs when it runs, so that `entail --help` answers at once.
"""

from entailment.cli.app import main

__all__ = ["main"]
