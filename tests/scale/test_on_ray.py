"""The executor for Ray: its two actors, the way between them in a stand-in, and all of it where Ray is."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.scale.conftest import TASK, OpenModel, parts_of, stamps, texts, write_rows

from entailment.errors import InputError, MissingExtraError, TextError
from entailment.scale import OnRay, on_ray, run_job
from entailment.scale.inputs import Part, Parts, survey
from entailment.tasks.model import load_model


@pytest.fixture
def parts(data: Path) -> Parts:
    """Five, of five rows."""
    return Parts(survey([data], TASK, []).files, ("text",), 5, (1, 2, 4, 5))


def read(reader: Any, number: int) -> Part:
    (rows,) = reader({"part": [number]})["rows"]
    part = pickle.loads(rows)  # noqa: S301
    assert isinstance(part, Part)
    return part


def test_the_reader_reads_on_and_goes_back_where_ray_asks_again(parts: Parts) -> None:
    reader = on_ray._Reader(parts)
    for number in (1, 2, 5, 4, 4, 1):
        part = read(reader, number)
        assert (part.number, part.first) == (number, number * 5 - 4)
        assert [row["text"] for row in part.rows] == texts(23)[number * 5 - 5 : number * 5]


def test_in_order_every_file_is_read_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = 0
    read_parts = Parts.__iter__

    def counted(self: Parts) -> Iterator[Part]:
        nonlocal begun
        begun += 1
        return read_parts(self)

    monkeypatch.setattr(Parts, "__iter__", counted)
    reader = on_ray._Reader(parts)
    for number in (1, 2, 4, 5):
        read(reader, number)
    assert begun == 1


class Items:
    """What a Ray data set does with its items, here and one by one; what goes between actors is pickled."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items

    def map_batches(self, actor: Any, *, fn_constructor_args: Any, batch_size: int, **_: Any) -> Items:
        assert batch_size == 1
        made = actor(*pickle.loads(pickle.dumps(fn_constructor_args)))  # noqa: S301
        out = []
        for item in self.items:
            found = made({name: [value] for name, value in item.items()})
            out += [{name: values[0] for name, values in found.items()}]
        return Items(out)

    def iter_rows(self) -> Iterator[dict[str, Any]]:
        return iter(self.items)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray, as far as `OnRay` asks for it."""
    ray = SimpleNamespace(is_initialized=lambda: True, cluster_resources=lambda: {"CPU": 4.0})
    context = SimpleNamespace(get_current=lambda: SimpleNamespace())
    data = SimpleNamespace(DataContext=context, from_items=lambda items, override_num_blocks: Items(items))
    monkeypatch.setattr(on_ray, "_import_ray", lambda: (ray, data))


Run = Callable[..., Any]


@pytest.fixture
def run(data: Path, model: Path) -> Run:
    opening = partial(load_model, model, threads=1)
    return partial(run_job, TASK, data, open_model=opening, part_rows=5, keep=["id"])


def check(run: Run, folder: Path, executor: OnRay) -> None:
    """The answers of one process; parts that are there are kept."""
    run(out=folder / "here")
    run(out=folder / "ray", executor=executor)
    assert parts_of(folder / "ray") == parts_of(folder / "here")
    for number in (2, 3):
        (folder / "ray" / "parts" / f"{number:06d}.jsonl").unlink()
    kept = stamps(folder / "ray")
    assert run(out=folder / "ray", executor=executor).computed == 2
    assert parts_of(folder / "ray") == parts_of(folder / "here")
    assert kept.items() <= stamps(folder / "ray").items()


@pytest.mark.usefixtures("stand_in")
def test_the_answers_are_those_of_one_process(run: Run, tmp_path: Path) -> None:
    check(run, tmp_path, OnRay())


@pytest.mark.usefixtures("stand_in")
def test_errors_of_actors_are_raised_here(opened: OpenModel, tmp_path: Path) -> None:
    bad = write_rows(tmp_path / "bad.jsonl", [{"text": "rain"}, {"text": "\u200b"}])
    with pytest.raises(TextError, match="row 2: the text is empty"):
        run_job(TASK, bad, tmp_path / "job", open_model=opened, executor=OnRay(), strict=True, part_rows=1)
    assert list(parts_of(tmp_path / "job")) == ["000001.jsonl"]


def test_a_reader_s_error_passes_the_actor(parts: Parts) -> None:
    broken = replace(parts, files=tuple(replace(file, size=1) for file in parts.files))
    (rows,) = on_ray._Reader(broken)({"part": [1]})["rows"]
    (found,) = on_ray._Actor(setup=None)({"rows": [rows]})["finished"]  # type: ignore[arg-type]
    assert "was changed while the job ran" in str(pickle.loads(found))  # noqa: S301


def test_how_many_actors_there_is_room_for() -> None:
    ray = SimpleNamespace(cluster_resources=lambda: {"CPU": 7.0, "GPU": 2.0})
    assert OnRay()._room(ray) == 7
    assert OnRay(cpus=2)._room(ray) == 3
    assert OnRay(cpus=2, gpus=1)._room(ray) == 2
    assert OnRay(cpus=20)._room(ray) == 1


def test_without_ray_the_extra_is_named(
    data: Path, tmp_path: Path, opened: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"--ray needs ray: pip install 'entailment\[scale\]'"):
        run_job(TASK, data, tmp_path / "job", open_model=opened, executor=OnRay())
    assert not (tmp_path / "job").exists()


@pytest.mark.parametrize("executor", [OnRay(actors=0), OnRay(cpus=0), OnRay(gpus=-1)])
def test_numbers_that_cannot_be(executor: OnRay) -> None:
    with pytest.raises(InputError, match=r"is (0|-1); it must be"):
        executor.check()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # ray warns of itself while it is imported
def test_on_ray_itself(run: Run, tmp_path: Path) -> None:
    reason = "ray is not in the dev group: with warnings as errors it cannot be imported"
    pytest.importorskip("ray.data", reason=reason)
    before = signal.getsignal(signal.SIGTERM)
    check(run, tmp_path, OnRay(actors=2))
    assert signal.getsignal(signal.SIGTERM) is before
