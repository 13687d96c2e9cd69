"""Keras's own methods: fit, evaluate, predict, save, export, functional models, precision.

Graphs take seconds to trace, so the models are of one layer, and a test asks one of them more than one thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.keras.tiny_keras import KERAS_AND_NUMPY, close, ids, keras, model
from tests.tiny import tiny_tokenizer

import entailment
from entailment.errors import InputError
from entailment.keras import TFMobileBertForSequenceClassification
from entailment.keras.outputs import TFSequenceClassifierOutput, TFTokenClassifierOutput

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

#: Whether the first text says that someone sleeps or that someone plays.
TEXTS = [
    ("the dog is sleeping", 0),
    ("the children play a game", 1),
    ("a cat sleeps", 0),
    ("the team is playing", 1),
    ("he sleeps all day", 0),
    ("she plays in the garden", 1),
    ("the child is sleeping", 0),
    ("they play football", 1),
]


def compiled(built: Any, loss: Any = None, **settings: Any) -> Any:
    built.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss, **settings)
    return built


def test_fit_learns_saves_and_serves(tmp_path: Path) -> None:
    """A classifier on texts, with the task's own loss; then every way it is kept."""
    tokenizer = entailment.AutoTokenizer.from_pretrained(tiny_tokenizer(tmp_path))
    encoding = dict(tokenizer([text for text, _ in TEXTS], padding=True, return_tensors="np"))
    labels = np.array([label for _, label in TEXTS])
    trained = compiled(model(vocab_size=len(tokenizer)), metrics=["accuracy"])
    history = trained.fit(encoding, labels, epochs=30, batch_size=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 3
    assert history["accuracy"][-1] > 0.7
    answer = trained.predict(encoding, batch_size=3, verbose=0)
    assert isinstance(answer, TFSequenceClassifierOutput)
    assert answer["logits"].argmax(-1).tolist() == labels.tolist()
    expected = trained(encoding).logits
    close(answer.logits, expected, within=1e-5)

    trained.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again) is TFMobileBertForSequenceClassification
    assert again.config == trained.config
    close(again(encoding).logits, expected, within=1e-6)
    trained.save_weights(tmp_path / "own.weights.h5")
    fresh = model(vocab_size=len(tokenizer), initializer_range=0.1)
    fresh.load_weights(tmp_path / "own.weights.h5")
    close(fresh(encoding).logits, expected, within=1e-6)
    trained.save_pretrained(tmp_path / "folder", tokenizer_folder=tmp_path)
    theirs = entailment.MobileBertForSequenceClassification.from_pretrained(tmp_path / "folder")
    torch_encoding = entailment.AutoTokenizer.from_pretrained(tmp_path / "folder")(
        [text for text, _ in TEXTS], padding=True, return_tensors="pt"
    )
    close(theirs(**torch_encoding).logits.detach(), expected)

    trained.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_default"]
    assert set(served.structured_input_signature[1]) == {"input_ids", "attention_mask", "token_type_ids"}
    for rows in (slice(None), slice(2)):  # any batch, any length
        given = {name: tf.constant(array[rows, :5], tf.int32) for name, array in encoding.items()}
        found = served(**given)
        assert found.keys() == {"logits"}
        close(found["logits"], trained(given).logits, within=1e-5)


def test_labels_among_the_inputs_and_losses_of_keras() -> None:
    """Tokens: a data set whose dictionaries hold the labels, then y with weights, and a loss of Keras."""
    words, labels = ids(4, 5), ids(4, 5) % 3
    labels[0, :2] = -100
    tagger = model("ForTokenClassification", num_labels=3)
    given = {"input_ids": words, "labels": labels}
    answer = tagger(given)
    assert isinstance(answer, TFTokenClassifierOutput)
    assert answer.loss is not None
    assert answer.loss.shape == (18,)
    compiled(tagger, run_eagerly=True)
    data = tf.data.Dataset.from_tensor_slices(given).batch(4)
    before = float(np.mean(answer.loss))
    assert tagger.evaluate(data, verbose=0) == pytest.approx(before, abs=1e-5)
    assert tagger.evaluate(words, labels, verbose=0) == pytest.approx(before, abs=1e-5)
    compiled(tagger)
    history = tagger.fit(data, epochs=5, shuffle=False, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    compiled(tagger, run_eagerly=True)
    only_first = tagger.evaluate(words, labels, sample_weight=np.array([1.0, 0, 0, 0]), verbose=0)
    each = tagger(words[:1], labels=labels[:1]).loss
    assert only_first == pytest.approx(float(np.sum(each)) / 18, abs=1e-5)
    with pytest.raises(InputError, match="there are no labels"):
        tagger.evaluate(words, verbose=0)
    every = np.maximum(labels, 0)
    own = tagger.evaluate(words, every, verbose=0)
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compiled(tagger, crossentropy, run_eagerly=True)
    assert tagger.evaluate(words, every, verbose=0) == pytest.approx(own, abs=1e-5)


def test_labels_and_scores_that_belong_together() -> None:
    """Several labels go to several scores, in any form that fit takes, without a graph to trace."""
    reader = model("ForQuestionAnswering")
    words, starts, ends = ids(2, 6), np.array([1, 2]), np.array([2, 9])
    answer = reader(words, start_positions=starts, end_positions=ends)
    named = {"start_positions": starts, "end_positions": ends}
    compiled(reader)
    for y in (named, [starts, ends], (starts, ends)):
        close(reader.compute_loss(words, y, answer), np.mean(answer.loss), within=1e-5)
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compiled(reader, crossentropy)  # which Keras keeps until another loss is compiled
    expected = float(crossentropy(starts, answer.start_logits))
    close(reader.compute_loss(words, starts, answer), expected, within=1e-5)
    compiled(reader, {"start_logits": crossentropy})
    close(reader.compute_loss(words, {"start_logits": starts}, answer), expected, within=1e-5)
    both = model("ForPreTraining")
    labels = {"labels": words, "next_sentence_label": np.array([0, 1])}
    answer = both(words, **labels)
    compiled(both)
    close(both.compute_loss(words, labels, answer), answer.loss, within=1e-5)
    close(both.compute_loss({"input_ids": words}, None, answer), answer.loss, within=0)
    with pytest.raises(InputError, match="has no task of its own"):
        bare = compiled(model("Model"))
        bare.compute_loss(words, words, bare(words))


def test_graphs_and_functional_models(tmp_path: Path) -> None:
    words, mask = ids(3, 6), np.array([[1] * 6, [1] * 4 + [0] * 2, [1] * 6])
    encoder = model("Model")
    expected = encoder(words, mask)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)  # type: ignore[untyped-decorator]
    def in_a_graph(one: Any, two: Any) -> Any:
        return encoder(one, attention_mask=two, output_hidden_states=True)

    for rows in (3, 2):
        found = in_a_graph(words[:rows], mask[:rows].astype(np.int32))
        assert found.keys() == ("last_hidden_state", "pooler_output", "hidden_states")
        close(found.pooler_output, expected.pooler_output[:rows], within=1e-5)
    with pytest.raises(InputError, match="the sequence has 30 tokens"):
        tf.function(lambda one: encoder(one).pooler_output, autograph=False)(tf.zeros((1, 30), tf.int32))

    inputs = {
        name: keras.Input((None,), dtype="int32", name=name) for name in ("input_ids", "attention_mask")
    }
    scores = keras.layers.Dense(2)(encoder(inputs).pooler_output)
    functional = keras.Model(inputs, scores)
    found = functional({"input_ids": words, "attention_mask": mask})
    close(found, functional.layers[-1](expected.pooler_output), within=1e-5)
    functional.save(tmp_path / "functional.keras")
    again = keras.saving.load_model(tmp_path / "functional.keras")
    close(again({"input_ids": words, "attention_mask": mask}), found, within=1e-6)


def test_bfloat16() -> None:
    words, labels = ids(4, 6), np.array([0, 1, 1, 0])
    exact, mixed = model(), model(dtype="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"  # the global policy is back
    assert {variable.dtype for variable in mixed.weights} == {"float32"}
    answer = mixed(words, labels=labels, output_hidden_states=True)
    assert {one.dtype for one in (answer.logits, *answer.hidden_states)} == {tf.bfloat16}
    assert answer.loss.dtype == tf.float32
    close(tf.cast(answer.logits, tf.float32), exact(words).logits, within=0.1)
    compiled(mixed).run_eagerly = True
    losses = [mixed.train_on_batch(words, labels) for _ in range(6)]
    assert losses[-1] < losses[0]
    again = TFMobileBertForSequenceClassification.from_config(mixed.get_config())
    assert again.dtype_policy.name == "mixed_bfloat16"


def test_gradients_agree_with_pytorch(tmp_path: Path) -> None:
    import torch

    ours = model(num_labels=3)
    ours.save_pretrained(tmp_path)
    theirs = entailment.MobileBertForSequenceClassification.from_pretrained(tmp_path)
    words, mask, labels = ids(2, 6), np.array([[1] * 6, [1] * 3 + [0] * 3]), np.array([2, 1])
    theirs(torch.tensor(words), torch.tensor(mask), labels=torch.tensor(labels)).loss.backward()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(ours(words, mask, labels=labels).loss)
    from entailment.keras.slots import slots_of

    slots = slots_of(ours)
    gradients = tape.gradient(loss, [slot.variable.value for slot in slots.values()])
    wanted = {name.removeprefix("encoder."): p.grad for name, p in theirs.named_parameters()}
    for (name, slot), gradient in zip(slots.items(), gradients, strict=True):
        found = tf.convert_to_tensor(gradient).numpy()
        trained = wanted[name]
        assert trained is not None
        expected = trained.clone()
        if name == "embeddings.word.weight":
            expected[0], found[0] = 0, 0  # PyTorch does not train the padding row
        close(found.T if slot.transposed else found, expected, name)


def test_a_loss_for_each_text_whatever_shape_its_label_has() -> None:
    classifier, words = model(num_labels=2), ids(2, 4)
    flat = classifier(words, labels=np.array([0, 1])).loss
    for labels in (np.array([[0], [1]]), np.array([0, 1])[:, None, None]):
        found = classifier(words, labels=labels).loss
        assert found.shape == (2,)
        close(found, flat, within=0)
    assert classifier(words[:1], labels=np.array(0)).loss.shape == ()
    reader, far = model("ForQuestionAnswering"), np.array([9, 9])
    with pytest.raises(InputError, match="start_positions are all behind the text of 4 tokens"):
        reader(words, start_positions=far, end_positions=far)
