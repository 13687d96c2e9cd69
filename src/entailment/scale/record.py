"""What a job is: written down once its input is read, and compared when the job is gone on with.

All that decides the answers is in it. What only decides how fast they come (workers, threads) is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, cast, get_args

from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import JobError
from entailment.scale.answers import Layout
from entailment.scale.folder import Format, JobFolder
from entailment.scale.inputs import InputFile, Refusals
from entailment.scale.kept import Type
from entailment.tables.digest import sha256
from entailment.tables.whole import told, whole
from entailment.tasks.model import PairModel

FORMAT = "entailment-job-1"
MOST_PARTS = 1_000_000  # files in one folder

# Small files of a checkpoint that decide what the weights are fed with, and what their logits mean.
_FILES = ("config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json")
_QUANTIZATION = "quantization.json"
_LONGEST = 120  # characters of a value in a message


@dataclass(frozen=True)
class Record:
    """What a job is.

    Attributes:
        task: as `Task.described` has it.
        answers: as `answer_facts` has it.
        model: as `model_facts` has it; its name is for people.
        files: the input, as it was read.
        layout: the columns of the answers.
        refusals: rows that nobody could answer, as the first pass found them.
    """

    task: Mapping[str, Any]
    answers: Mapping[str, Any]
    model: Mapping[str, Any]
    files: tuple[InputFile, ...]
    layout: Layout
    refusals: Refusals

    @property
    def rows(self) -> int:
        """Of the whole input."""
        return sum(file.rows for file in self.files)

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-self.rows // self.part_rows)

    @property
    def part_rows(self) -> int:
        """Rows of a part; the last may have fewer."""
        return int(self.answers["part_rows"])

    @property
    def format(self) -> Format:
        """Of the files of parts."""
        return cast(Format, self.answers["format"])

    def write(self, folder: JobFolder) -> None:
        """Write it down, whole or not at all; DataFileError."""
        value = {"format": FORMAT, "rows": self.rows, "parts": self.parts, **asdict(self)}
        with whole(folder.record) as partial, told(folder.record):
            partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_record(folder: JobFolder) -> Record | None:
    """What the job in a folder is; None if none was begun, or it was never known how many rows it has.

    Raises:
        JobError: it cannot be read, or another version of this package wrote it.
    """
    path = folder.record
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise JobError(f"{path} is damaged ({error}); begin in an empty folder") from error
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        raise JobError(
            f"{path} has the format {found!r:.40}, and this version reads {FORMAT}: go on with the version "
            "that began the job, or begin in an empty folder"
        )
    try:
        record = Record(
            task=dict(value["task"]),
            answers=dict(value["answers"]),
            model=dict(value["model"]),
            files=tuple(InputFile(**file) for file in value["files"]),
            layout=Layout.from_dict(value["layout"]),
            refusals=Refusals(**value["refusals"]),
        )
        _check(record)
    except (KeyError, TypeError, ValueError) as error:
        raise JobError(f"{path} is damaged ({error!r:.80}); begin in an empty folder") from error
    return record


def _check(record: Record) -> None:
    """Refuses values of which paths and ranges are made, where they are not what was written; ValueError."""
    sizes = [size for file in record.files for size in (file.size, file.rows)]
    whole = [*sizes, record.answers["part_rows"], record.refusals.count]
    texts = [
        *(text for file in record.files for text in (file.path, file.sha256)),
        record.model["name"],
        *record.layout.kept,
        *record.layout.scores,
    ]
    if not all(type(number) is int and number >= 0 for number in whole) or not record.answers["part_rows"]:
        raise ValueError("a count is no whole number")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a name is no text")
    if record.format not in get_args(Format) or not set(record.layout.kept.values()) <= set(get_args(Type)):
        raise ValueError("an unknown format or type")
    if not 0 < record.parts <= MOST_PARTS:
        raise ValueError(f"{record.parts} parts")


def answer_facts(part_rows: int, format: Format, keep: Sequence[str]) -> dict[str, object]:
    """What of the command, besides task, model and input, decides the files of parts."""
    return {
        "part_rows": part_rows,
        "format": format,
        "keep": list(keep),
        "entailment": major(version("entailment")),
    }


def major(release: str) -> str:
    """The part of a version that changes with what it does: ``"2"`` of 2.1.0, ``"0.2"`` of 0.2.1."""
    first, _, rest = release.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == "0" else first


def model_facts(model: PairModel) -> dict[str, object]:
    """What of a model decides its answers, and its name.

    Raises:
        CheckpointError: its name leads to no checkpoint.
        LabelOrderError: it is not known which logit means entailment.
    """
    checkpoint = open_checkpoint(model.name)
    device = getattr(model.engine, "device", "cpu")
    precision = str(getattr(model.engine, "precision", "float32"))
    names = (*_FILES, _QUANTIZATION) if precision == "int8" else _FILES
    files = [checkpoint.folder / name for name in names]
    calibration = json.dumps(asdict(model.calibration), sort_keys=True)
    return {
        "name": model.name,
        "weights": checkpoint.fingerprint(),
        "label_order": list(model.order.names),
        "max_length": getattr(model.encoder, "max_length", None),
        "precision": precision,
        "device": str(device).partition(":")[0],
        "calibration": hashlib.sha256(calibration.encode()).hexdigest(),
        "files": {path.name: sha256(path) if path.exists() else None for path in files},
    }


def check_same(
    folder: JobFolder,
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    of: str = "",
    but: Sequence[str] = (),
) -> None:
    """Refuse to go on with another job.

    Args:
        folder: named in the message.
        then: what the job was begun with; values of JSON.
        now: what it would be gone on with.
        of: begins the name of each value, e.g. ``"the model's "``.
        but: keys of no consequence.

    Raises:
        JobError: they differ; it says in what, with both values.
    """
    now = json.loads(json.dumps(now))
    found = []
    for key in dict.fromkeys((*then, *now)):
        if key in but or then.get(key) == now.get(key):
            continue
        if isinstance(then.get(key), dict) and isinstance(now.get(key), dict):
            found += [
                f"{of}{name} ({_shown(then[key].get(name), now[key].get(name))})"
                for name in dict.fromkeys((*then[key], *now[key]))
                if then[key].get(name) != now[key].get(name)
            ]
        else:
            found.append(f"{of}{key} ({_shown(then.get(key), now.get(key))})")
    if found:
        raise another(folder, found)


def another(folder: JobFolder, differences: Sequence[str]) -> JobError:
    """The error of a folder that holds another job."""
    return JobError(
        f"{folder.path} holds another job, which differs in {'; '.join(differences)}: say its command again "
        "to go on with it, or name an empty folder"
    )


def _shown(then: object, now: object) -> str:
    """Two values that differ, shortened to where they do."""
    if isinstance(then, list) and isinstance(now, list) and len(json.dumps([then, now])) > _LONGEST:
        gone, new = ([each for each in one if each not in other] for one, other in ((then, now), (now, then)))
        if gone or new:
            return f"then with {_short(gone)}, now with {_short(new)}"
        return f"the same {len(then):,}, in another order"
    return f"then {_short(then)}, now {_short(now)}"


def _short(value: object) -> str:
    if isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef"):
        return value[:12]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
