"""Both documented input formats, and what is wrong with inputs that cannot be used."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.keras.tiny_keras import SIZES, VOCABULARY, close, ids, keras, model
from tests.tiny import tiny_tokenizer

import entailment
from entailment.checkpoint.config import BertConfig
from entailment.errors import InputError, UnsupportedModelError
from entailment.keras import TFMobileBertForMaskedLM, TFMobileBertForPreTrainingOutput, TFMobileBertModel
from entailment.keras.outputs import TFSequenceClassifierOutput, filled
from entailment.text.batch import BatchEncoding

IDS = ids(2, 6)
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
TYPES = np.array([[0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 0]])


@pytest.fixture(scope="module")
def classifier() -> Any:
    return model(num_labels=3)


def test_both_formats_are_the_same_call(classifier: Any) -> None:
    tensors = [keras.ops.convert_to_tensor(array) for array in (IDS, MASK, TYPES)]
    expected = classifier(IDS, attention_mask=MASK, token_type_ids=TYPES).logits
    named = dict(zip(("input_ids", "attention_mask", "token_type_ids"), tensors, strict=True))
    for answer in (
        classifier(*tensors),
        classifier(**named),
        classifier(tensors),
        classifier(tuple(tensors)),
        classifier(named),
        classifier(input_ids=named),
        classifier(BatchEncoding(named)),
        classifier([IDS, MASK], token_type_ids=TYPES),
        classifier([IDS.tolist(), MASK.tolist(), TYPES.tolist()]),
        classifier(input_ids=IDS.tolist(), attention_mask=MASK.tolist(), token_type_ids=TYPES),
        classifier(input_ids=tensors),
        classifier({"input_ids": IDS.tolist(), "attention_mask": MASK.tolist()}, None, TYPES),
        classifier.call(named),
        classifier.call(tensors, training=False),
    ):
        close(answer.logits, expected, within=1e-6)
    close(classifier(IDS).logits, classifier([IDS]).logits, within=1e-6)


def test_what_a_tokenizer_gives(classifier: Any, tmp_path: Any) -> None:
    tokenizer = entailment.AutoTokenizer.from_pretrained(tiny_tokenizer(tmp_path))
    encoding = tokenizer(["The cat sat.", "A dog"], padding=True, return_tensors="tf")
    import tensorflow as tf

    assert isinstance(encoding["input_ids"], tf.Tensor)
    assert encoding["input_ids"].dtype == tf.int32
    lists = tokenizer(["The cat sat.", "A dog"], padding=True)
    assert encoding["input_ids"].numpy().tolist() == lists["input_ids"]
    assert tokenizer.decode(encoding["input_ids"][0]) == tokenizer.decode(lists["input_ids"][0])
    larger = model("Model", vocab_size=len(tokenizer))
    close(larger(encoding).pooler_output, larger(**encoding).pooler_output, within=1e-6)


def test_an_answer_is_read_in_every_documented_way(classifier: Any) -> None:
    output = classifier(IDS, labels=[1, 0], output_hidden_states=True, output_attentions=True)
    assert isinstance(output, TFSequenceClassifierOutput)
    assert output.keys() == ("loss", "logits", "hidden_states", "attentions")
    assert output[1] is output["logits"] is output.logits is output.to_tuple()[1] is output.get("logits")
    assert output[:2] == (output.loss, output.logits)
    assert "loss" in output
    assert [name for name, _ in output.items()] == list(dict(output.items())) == list(output.keys())
    assert [len(part) for part in (*output[2:], output)] == [2, 1, 4]
    bare = classifier(IDS)
    assert bare.keys() == ("logits",)
    assert bare.loss is bare.get("loss") is None
    assert bare.values()[0] is bare[0]
    with pytest.raises(KeyError):
        bare["loss"]
    with pytest.raises(AttributeError, match="has no 'prediction_logits'; it has logits"):
        bare.prediction_logits  # noqa: B018
    plain = classifier(IDS, return_dict=False)
    assert type(plain) is tuple
    made = TFMobileBertForPreTrainingOutput(loss=None, prediction_logits=ids(1, 2), attentions=None)
    assert (made.keys(), made.loss, made[0].shape) == (("prediction_logits",), None, (1, 2))
    assert TFMobileBertForPreTrainingOutput(1.0, 2.0).to_tuple() == (1.0, 2.0)
    assert TFMobileBertForPreTrainingOutput().keys() == ()
    with pytest.raises(TypeError, match="unexpected keyword argument 'logits'"):
        TFMobileBertForPreTrainingOutput(logits=1.0)
    again = pickle.loads(pickle.dumps(filled(TFMobileBertForPreTrainingOutput, {"loss": 1.0})))  # noqa: S301
    assert (again.loss, again.prediction_logits) == (1.0, None)
    assert isinstance(again, TFMobileBertForPreTrainingOutput)
    with pytest.raises(KeyError, match="logits"):
        filled(TFMobileBertForPreTrainingOutput, {"logits": 1})


def test_the_configuration_says_what_a_call_leaves_open() -> None:
    settings = {"output_attentions": True, "output_hidden_states": True, "return_dict": False}
    asked = model("Model", **settings)
    assert [type(part) for part in asked(IDS)[2:]] == [tuple, tuple]
    assert len(asked(IDS, output_attentions=False, output_hidden_states=False)) == 2
    assert asked(IDS, return_dict=True).keys()[2:] == ("hidden_states", "attentions")


def test_so_does_config_json(tmp_path: Path) -> None:
    model("Model", output_attentions=True).save_pretrained(tmp_path)
    assert "attentions" in TFMobileBertModel.from_pretrained(tmp_path)(IDS)
    quiet = TFMobileBertModel.from_pretrained(tmp_path, output_attentions=False)(IDS)
    assert "attentions" not in quiet


def test_training_drops() -> None:
    for settings in ({"hidden_dropout_prob": 0.5}, {"attention_probs_dropout_prob": 0.5}):
        dropping = model("Model", **settings)
        first, second = (np.asarray(dropping(IDS, training=True).last_hidden_state) for _ in range(2))
        assert np.abs(first - second).max() > 1e-3
        close(dropping(IDS).last_hidden_state, dropping(IDS, training=False).last_hidden_state, within=0)
        tokens = keras.Input((None,), dtype="int32")
        around = keras.Model(tokens, dropping(tokens).last_hidden_state)  # an outer model's `training` counts
        assert np.abs(np.asarray(around(IDS, training=True)) - np.asarray(around(IDS))).max() > 1e-3
    before_the_classifier = model(classifier_dropout=0.5)
    first, second = (np.asarray(before_the_classifier(IDS, training=True).logits) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "neither input_ids nor inputs_embeds"),
        ((IDS,), {"inputs_embeds": np.zeros((2, 6, 6))}, "both input_ids and inputs_embeds"),
        ((IDS[0],), {}, r"input_ids must be whole numbers \[batch, tokens\], not int32 \[6\]"),
        ((IDS / 2,), {}, r"input_ids must be whole numbers \[batch, tokens\], not float64"),
        ((IDS[:, :0],), {}, "input_ids must be whole numbers"),
        ((IDS + VOCABULARY,), {}, f"input_ids holds .* 0 to {VOCABULARY - 1} are its values"),
        ((-IDS,), {}, "input_ids holds -"),
        ((IDS, MASK[:1]), {}, r"attention_mask must be \[2, 6\] or \[2, 6, 6\], not int64 \[1, 6\]"),
        ((IDS, MASK * 2), {}, "attention_mask holds 2, but 0 to 1"),
        ((IDS, MASK, TYPES * 2), {}, "token_type_ids holds 2, but 0 to 1"),
        ((IDS, MASK, TYPES[:, :3]), {}, "token_type_ids must be"),
        ((IDS,), {"position_ids": TYPES + 20}, "position_ids holds 21, but 0 to 19"),
        ((IDS,), {"head_mask": np.ones(5)}, r"head_mask must be \[2\] or \[1, 2\]"),
        ((ids(1, 21),), {}, "the sequence has 21 tokens, but the model has 20 positions"),
        ((), {"inputs_embeds": np.zeros((2, 6, 7))}, r"inputs_embeds must be \[batch, tokens, 6\]"),
        ((IDS,), {"mask": MASK}, "'mask', which is no input; the inputs are input_ids, "),
        (({"ids": IDS},), {}, "the dictionary holds 'ids', which is no input"),
        (([IDS, MASK],), {"attention_mask": MASK}, "attention_mask is given twice"),
        (
            (IDS.tolist(),),
            {},
            r"a list is read as \[input_ids, attention_mask, \.\.\.\]; pass an array, or input_",
        ),
        ((IDS[0].tolist(),), {}, "a list is read as"),
        (((tuple(IDS[0]), tuple(IDS[1])),), {}, "a list is read as"),
        ((), {"input_ids": [[1, 2], [3]]}, "input_ids must be rows of one length; pad them"),
        ((), {"input_ids": [1, 2]}, r"input_ids must be whole numbers \[batch, tokens\], not int64 \[2\]"),
        (([],), {}, "neither input_ids nor inputs_embeds"),
        (([IDS] * 12,), {}, "12 inputs were given, but there are 11"),
        ((IDS, *[None] * 11), {}, "12 arguments were given, but there are 11"),
        ((IDS,), {"labels": [1]}, "labels must be 2 whole numbers, not int64"),
        ((IDS,), {"labels": [1, 3]}, "labels holds 3, but the classes are 0 to 2"),
        ((IDS,), {"labels": [-100, -100]}, "labels are all -100"),
        ((IDS,), {"labels": [0.5, 1.5]}, r"labels of a multi_label_classification must be \[2, 3\]"),
        ((IDS,), {"labels": [[0.5, 1.5, 0]] * 2}, "must be 0 to 1 for each class"),
    ],
)
def test_what_cannot_be_used_is_named(
    classifier: Any, args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        classifier(*args, **kwargs)


def test_choices_stand_in_the_second_axis() -> None:
    choosing = model("ForMultipleChoice")
    three = ids(2, 3, 4)
    answer = choosing(three, np.ones_like(three), labels=[0, 2])
    assert answer.logits.shape == (2, 3)
    one = model("ForMultipleChoice")(three[:, 1:2]).logits
    close(answer.logits[:, 1:2], one, within=1e-5)
    words = np.zeros((2, 3, 4, 6), np.float32)
    assert choosing(inputs_embeds=words).logits.shape == (2, 3)
    with pytest.raises(InputError, match=r"input_ids must be whole numbers \[batch, choices, tokens\]"):
        choosing(IDS)


def test_configurations_that_cannot_be() -> None:
    with pytest.raises(UnsupportedModelError, match="needs a MobileBertConfig"):
        TFMobileBertModel(BertConfig())  # type: ignore[arg-type]
    for settings in ({"attention": "prefix"}, {"extra": {"pruned_heads": {"0": [1]}}}):
        with pytest.raises(UnsupportedModelError, match="full attention with every head"):
            model("Model", **settings)
    with pytest.raises(UnsupportedModelError, match="use the dtype mixed_bfloat16 or float32"):
        model("Model", dtype="mixed_float16")
    with pytest.raises(UnsupportedModelError, match="give num_labels=2"):
        model("ForQuestionAnswering", num_labels=3)
    with pytest.raises(UnsupportedModelError, match="no head can predict words"):
        model("ForMaskedLM", embedding_size=17)


def test_a_decoder_of_its_own_is_kept(tmp_path: Any) -> None:
    """TensorFlow's classes never tied it: one that is not the words is an array of its own here, too."""
    untied = model("ForMaskedLM", extra={"tie_word_embeddings": False})
    untied.save_pretrained(tmp_path, safe_serialization=False)
    config = tmp_path / "config.json"
    config.write_text(
        config.read_text().replace('"tie_word_embeddings": false', '"tie_word_embeddings": true')
    )
    again = TFMobileBertForMaskedLM.from_pretrained(tmp_path)
    assert again.num_parameters() == untied.num_parameters() == again.count_params()
    close(again(IDS).logits, untied(IDS).logits, within=0)
    assert again.get_input_embeddings().embeddings.shape == (VOCABULARY, SIZES["embedding_size"])


def test_a_decoder_of_its_own_has_its_bias(tmp_path: Any) -> None:
    """The reference computes with the bias of a decoder that is not tied: it is saved, and counts."""
    from safetensors.numpy import load_file, save_file

    first, second = "cls.predictions.bias", "cls.predictions.decoder.bias"
    untied = model("ForMaskedLM", extra={"tie_word_embeddings": False})
    untied.save_pretrained(tmp_path)
    arrays = load_file(tmp_path / "model.safetensors")
    assert np.array_equal(arrays[first], arrays[second])
    arrays[second] = arrays[second] + 1
    save_file(arrays, tmp_path / "model.safetensors")
    again = TFMobileBertForMaskedLM.from_pretrained(tmp_path)
    close(again(IDS).logits, untied(IDS).logits + 1, within=1e-5)
    assert again.loading_report.unused == ()
    model("ForMaskedLM").save_pretrained(tmp_path / "tied")
    assert second not in load_file(tmp_path / "tied" / "model.safetensors")
