"""Every error this package raises on purpose, as one tree.

A message says what was wrong, which value or file, and the next thing to do. The command line prints it on
one line and exits with the class's `exit_code`; library users catch `EntailmentError`, or a branch of it:

    EntailmentError
    ├── InputError                         what was handed in cannot be used (exit code 2)
    │   ├── CheckpointError                a model folder or name
    │   │   ├── CheckpointNotFoundError    no such folder, or a hub name that cannot be fetched
    │   │   ├── CorruptCheckpointError     a file that is truncated, unreadable or contradicts another
    │   │   ├── UnsafeCheckpointError      a file that would run code when opened
    │   │   ├── UnsupportedModelError      an architecture this package does not know
    │   │   └── WeightsMismatchError       unknown, missing or doubled names, wrong shapes
    │   ├── LabelOrderError                nobody can tell which logit means entailment
    │   ├── NonFiniteLogitsError           the model answered NaN or infinity
    │   ├── TextError                      an empty text, a hypothesis that does not fit
    │   ├── LabelsError                    no labels, or empty ones
    │   ├── TemplateError                  a hypothesis template without exactly one slot
    │   ├── DataFileError                  a file of texts, labels or results
    │   └── JobError                       a folder that is another job's, or in other hands
    ├── WorkerDiedError                    a process of a job ended in the middle of its work (exit code 1)
    └── MissingExtraError                  an optional dependency is not installed (exit code 3)
"""

from __future__ import annotations


class EntailmentError(Exception):
    """Anything this package raises on purpose."""

    exit_code = 1


class InputError(EntailmentError, ValueError):
    """What was handed in cannot be used."""

    exit_code = 2


class CheckpointError(InputError):
    """A model folder or name cannot be used."""


class CheckpointNotFoundError(CheckpointError):
    """No such folder, no such file in it, or a hub name that cannot be fetched."""


class CorruptCheckpointError(CheckpointError):
    """A checkpoint file is truncated, unreadable, or contradicts another."""


class UnsafeCheckpointError(CheckpointError):
    """A checkpoint file would run code when opened."""


class UnsupportedModelError(CheckpointError):
    """The checkpoint is of an architecture this package does not know."""


class WeightsMismatchError(CheckpointError):
    """Weights have unknown, missing or doubled names, or wrong shapes."""


class LabelOrderError(InputError):
    """Neither the names nor the probe tell which logit means entailment."""


class NonFiniteLogitsError(InputError):
    """The model answered NaN or infinity."""


class TextError(InputError):
    """A text is empty, or a hypothesis does not fit the model."""


class LabelsError(InputError):
    """There are no candidate labels, or empty ones."""


class TemplateError(InputError):
    """A hypothesis template does not have exactly one slot."""


class DataFileError(InputError):
    """A file of texts, labels or results cannot be read or written."""


class JobError(InputError):
    """The folder of a job is another job's, in the hands of another process, or not what is asked for."""


class WorkerDiedError(EntailmentError):
    """A process that worked on a job ended in the middle of its work; the job can go on."""


class MissingExtraError(EntailmentError, ImportError):
    """An optional dependency is not installed.

    Args:
        module: the import that failed, e.g. ``"torch"``.
        extra: the extra of this package that brings it, e.g. ``"train"``.
        purpose: what it is needed for, e.g. ``"reading .parquet files"``.
    """

    exit_code = 3

    def __init__(self, module: str, *, extra: str, purpose: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(f"{purpose} needs {module}: pip install 'entailment[{extra}]'")
