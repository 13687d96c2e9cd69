"""Teachers that fit their student, whatever the order of their classes; others are refused, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tests.tiny import NLI_LABELS, tiny_bert, tiny_tokenizer, tiny_vocabulary
from tests.train.distilling import V, bert, distilbert, ib_bert, made, mobilebert, random_start, recipe, saved

from entailment.checkpoint.config import Config
from entailment.errors import EntailmentError, InputError
from entailment.models.load import load_model
from entailment.train.distil.teacher import Teacher, open_teacher
from entailment.train.parts import TeacherPart
from entailment.train.recipe import Task, load_recipe

MLM: Task = "masked-language-modeling"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_tokenizer(tmp_path_factory.mktemp("student") / "tokenizer")


def opened(
    teacher: Path | None,
    tokenizer: Path,
    method: str = "soft-targets",
    student: Config | None = None,
    *,
    task: Task = "nli",
    changes: Mapping[str, object] | None = None,
) -> Teacher:
    config = student or bert(layers=1)
    stated = random_start(config, tokenizer) | {"teacher.method": method} | dict(changes or {})
    read = recipe(task, teacher, stated)
    assert read.teacher is not None
    return open_teacher(read, read.teacher, made(config, task, read.model.labels), tokenizer)


@pytest.mark.parametrize("config", [bert(), distilbert(), mobilebert()])
def test_classes_are_put_into_the_students_order(config: Config, tokenizer: Path, tmp_path: Path) -> None:
    theirs = ("CONTRADICTION", "Entail", "neutral")
    folder = saved(tmp_path / "teacher", config, labels=theirs)
    ids = torch.randint(5, 90, (3, 7))
    with torch.no_grad():
        before = load_model(folder)(ids).logits
        after = opened(folder, tokenizer).model(ids).logits
    torch.testing.assert_close(after, before[:, [1, 2, 0]])


def test_names_of_other_classes_count_whatever_their_case(tokenizer: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "teacher", bert(), labels=("Delivery", "billing"))
    labels = {"model.labels": ["billing", "delivery"]}
    teacher = opened(folder, tokenizer, task="text-classification", changes=labels)
    bias = load_model(folder).classifier.bias
    assert torch.equal(teacher.model.classifier.bias, bias[[1, 0]])  # type: ignore[union-attr,arg-type]


def test_what_is_said_of_a_teacher(tokenizer: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "teacher", bert())
    teacher, again = opened(folder, tokenizer), opened(folder, tokenizer)
    assert not teacher.model.training
    assert not any(weight.requires_grad for weight in teacher.model.parameters())
    assert teacher.name == "./teacher"
    assert teacher.fingerprint == again.fingerprint
    assert teacher.fingerprint != opened(saved(tmp_path / "other", bert()), tokenizer).fingerprint
    assert teacher.facts() == {
        "name": "./teacher",
        "fingerprint": teacher.fingerprint,
        "method": "soft-targets",
        "temperature": 1.0,
        "share": 0.5,
    }
    assert str(tmp_path) not in teacher.sentence()


def test_a_recipe_without_a_teacher_says_how_to_name_one(tokenizer: Path) -> None:
    with pytest.raises(InputError, match=r"has no teacher yet: .*--set teacher.model="):
        opened(None, tokenizer)
    packaged = load_recipe("mobilebert-knowledge-transfer")
    assert packaged.teacher is not None
    assert packaged.teacher.model is None, "no IB-BERT is public"


@pytest.mark.parametrize(
    ("teacher", "method", "student", "message"),
    [
        (bert(hidden=16), "mobilebert", bert(), "states of one width, .* 32 wide, the teacher's 16"),
        (bert(layers=4), "mobilebert", bert(), "layer with layer: the student has 2, the teacher 4"),
        (bert(layers=5), "tinybert", bert(), "5 layers are no multiple of the student's 2"),
        (bert(layers=2), "tinybert", bert(layers=4), "2 layers are no multiple of the student's 4"),
        (bert(heads=2), "minilm", bert(), "layer 2 of the student has 4, layer 2 of the teacher 2"),
        (bert(heads=2), "tinybert", distilbert(), "layer 1 of the student has 4, layer 1 of the teacher 2"),
        (bert(heads=2), "mobilebert", mobilebert(), "head with head"),
        (bert(max_position_embeddings=40), "minilm", bert(), "max_length is 48, but the teacher .* has 40"),
    ],
)
def test_shapes_that_a_method_cannot_bridge(
    teacher: Config, method: str, student: Config, message: str, tokenizer: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        opened(saved(tmp_path / "teacher", teacher), tokenizer, method, student)


def test_shapes_that_soft_targets_need_not_bridge(tokenizer: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "teacher", bert(layers=3, hidden=16, heads=2))
    assert not opened(folder, tokenizer).pairs
    late = {"teacher.stage": "prediction"}
    assert not opened(folder, tokenizer, "tinybert", changes=late).pairs
    assert opened(saved(tmp_path / "four", bert(layers=4)), tokenizer, "tinybert", bert()).pairs == [
        (0, 1),
        (1, 3),
    ]
    assert opened(saved(tmp_path / "ib", ib_bert()), tokenizer, "minilm").pairs == [(0, 1)]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("entailment", "not_entailment"), "the classes entailment, not_entailment, and the recipe's are"),
        (("LABEL_0", "LABEL_1", "LABEL_2"), "the classes label_0, label_1, label_2, and the recipe's are"),
        (("joy", "anger", "fear"), "has the classes joy, anger, fear"),
        (("Entail", "entailment", "neutral"), "has the classes Entail, entailment, neutral"),
    ],
)
def test_other_classes(labels: tuple[str, ...], message: str, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        opened(saved(tmp_path / "teacher", bert(), labels=labels), tokenizer)


def test_other_vocabularies(tokenizer: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "teacher", bert())
    words = list(tiny_vocabulary())
    words[100], words[101] = words[101], words[100]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    with pytest.raises(InputError, match=rf"2 ids differ, and token 100 is {words[100]!r} there"):
        opened(folder, tokenizer)
    wider = saved(tmp_path / "wider", bert(vocab_size=V + 5), MLM)
    with pytest.raises(InputError, match=rf"embeddings for {V + 5} tokens, and the student for {V}"):
        opened(wider, tokenizer, task=MLM)
    assert opened(saved(tmp_path / "pairs", bert(vocab_size=V + 5)), tokenizer), "classes tell no words"


def test_attention_that_a_student_has_not(tokenizer: Path, tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "teacher", attention="prefix")
    with pytest.raises(InputError, match="has prefix attention, and the student full attention"):
        opened(folder, tokenizer)


def test_heads_that_are_not_there(tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(EntailmentError, match="lack the classification head"):
        opened(tiny_bert(tmp_path / "encoder", labels=None), tokenizer)
    with pytest.raises(InputError, match=f"no head that could teach {MLM}: it lacks "):
        opened(saved(tmp_path / "pairs", bert()), tokenizer, task=MLM)
    words = saved(tmp_path / "words", distilbert(), MLM)
    with pytest.raises(InputError, match="no head that could teach pre-training: it lacks next sentences"):
        opened(words, tokenizer, task="pre-training")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0; it must be more than 0"),
        ({"share": 1.5}, "share is 1.5; it must be from 0 to 1"),
        (
            {"method": "minilm", "stage": "prediction"},
            "stage is prediction, which method minilm does not have",
        ),
        ({"method": "minilm", "progressive": True, "steps_per_layer": 1}, "method minilm is not progressive"),
        ({"method": "mobilebert", "progressive": True}, "progressive and steps_per_layer go together"),
        ({"method": "mobilebert", "steps_per_layer": 3}, "progressive and steps_per_layer go together"),
        ({"method": "mobilebert", "progressive": True, "steps_per_layer": 0}, "steps_per_layer is 0"),
    ],
)
def test_values_that_contradict_each_other(changes: dict[str, object], message: str) -> None:
    stated = {f"teacher.{key}": value for key, value in ({"method": "soft-targets"} | changes).items()}
    with pytest.raises(InputError, match=message):
        load_recipe("minilm-l6-mnli", stated)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("regression", {}, "a teacher teaches nli, .*, and the task is regression"),
        ("minilm-l6-mnli", {"teacher.method": "hinton"}, "method is 'hinton'; expected one of soft-targets"),
        (
            "minilm-l6-mnli",
            {"teacher.method": "minilm", "model.attention": "prefix", "batches": {"tokens": 64}},
            "method minilm compares what layers compute, and with prefix attention",
        ),
        (
            "masked-language-modeling",
            {"teacher.method": "minilm", "teacher.share": 1},
            "method minilm teaches no head, .*evaluations = 1",
        ),
        (
            "distilbert-mnli",
            {
                "teacher.method": "tinybert",
                "teacher.stage": "intermediate",
                "teacher.share": 1,
                "settings.evaluations": 2,
            },
            "method tinybert teaches no head",
        ),
    ],
)
def test_recipes_that_contradict_their_teacher(name: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_recipe(name, {"teacher.method": "soft-targets", **changes})


def test_what_teaches_no_head_keeps_the_last_weights() -> None:
    part = TeacherPart(method="tinybert", stage="intermediate", share=1)
    assert part.leaves_head
    assert not TeacherPart(method="tinybert", share=1).leaves_head
    once = {"teacher.method": "minilm", "teacher.share": 1, "settings.evaluations": 1}
    assert load_recipe("masked-language-modeling", once).teacher == TeacherPart(method="minilm", share=1)
    assert load_recipe("nli-distillation").model.labels == NLI_LABELS
