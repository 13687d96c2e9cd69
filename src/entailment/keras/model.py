"""What every documented class is: a Keras model with a configuration.

The documentation names such a class (`TFPreTrainedModel`), and Keras finds what it calls, `compute_loss` and
`get_config` among it, by inheritance. What only reads or writes files are functions of `pretrained`,
`serving` and `slots`, which stand here by name.

Legend of shapes: B batch, T tokens, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import keras
from keras import ops

from entailment.checkpoint.config import MobileBertConfig
from entailment.errors import InputError, UnsupportedModelError
from entailment.keras import inputs, pretrained, serving, slots
from entailment.keras.losses import Losses
from entailment.keras.mobilebert import Encoded, MobileBertEncoder
from entailment.keras.outputs import BESIDE_SCORES, ModelOutput, filled

Tensor = Any


class TFPreTrainedModel(keras.Model):
    """A Keras model that takes both documented input formats, and opens and saves checkpoints.

    Compiled without a loss it trains with the task's own: on `y`, or on the labels among its inputs.

    Args:
        config: of the network.
        name: of the layer, as in Keras.
        dtype: a Keras dtype policy, e.g. "mixed_bfloat16"; by default the global one.

    Attributes:
        config: as given.
        encoder: the layer that makes states of ids.
    """

    config_class = MobileBertConfig
    #: The labels a task takes, in the documented order.
    label_names: ClassVar[tuple[str, ...]] = ()
    #: Whether inputs hold several choices, [B, C, T].
    has_choices: ClassVar[bool] = False

    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    export = serving.export
    base_model_prefix = "mobilebert"
    mobilebert = property(slots.encoder_of, doc="The encoder, under the reference's name.")
    get_input_embeddings = slots.get_input_embeddings
    num_parameters = slots.num_parameters

    config: MobileBertConfig
    encoder: MobileBertEncoder

    def __init__(self, config: MobileBertConfig, *, name: str | None = None, dtype: Any = None) -> None:
        if not isinstance(config, MobileBertConfig):
            raise UnsupportedModelError(f"{type(self).__name__} needs a MobileBertConfig, not {config!r:.80}")
        if config.attention != "full" or config.extra.get("pruned_heads"):
            raise UnsupportedModelError(
                f"{type(self).__name__} has full attention with every head; a checkpoint of prefix attention "
                "or pruned heads opens with the PyTorch classes"
            )
        super().__init__(name=name, dtype=dtype)
        if self.compute_dtype == "float16" and config.normalization_type == "no_norm":
            raise UnsupportedModelError(
                "MobileBERT's activations exceed float16, in whose range NoNorm does not keep them; use the "
                "dtype mixed_bfloat16 or float32"
            )
        self.config = config

    @contextmanager
    def assembling(self) -> Iterator[None]:
        """Layers made within have this model's dtype policy and stand under its name; then it is built."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype_policy)
        try:
            with keras.name_scope(self.name):
                yield
        finally:
            keras.config.set_dtype_policy(before)
        self.built = True

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: variables are there since the model was constructed."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The documented arguments of `call`, in both formats, checked.

        Raises:
            InputError: naming the argument that cannot be used, what it is, and what it must be.
        """
        given = inputs.gathered(self.call, args, kwargs)
        inputs.check(self.config, given, choices=self.has_choices)
        return super().__call__(**given)

    def encode(
        self,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        head_mask: Tensor | None,
        inputs_embeds: Tensor | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
        training: bool | None,
    ) -> Encoded:
        """Run the encoder; what to keep is as config.json says, unless the call does."""
        encoded = self.encoder(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask, inputs_embeds,
            keep_states=self._setting("output_hidden_states", output_hidden_states),
            keep_attentions=self._setting("output_attentions", output_attentions),
            training=training,
        )  # fmt: skip
        return cast(Encoded, encoded)

    def answer(
        self, kind: type[ModelOutput], encoded: Encoded, return_dict: bool | None, **values: Tensor
    ) -> ModelOutput | tuple[Any, ...]:
        """The named output, or a plain tuple; `values` are the fields that are this task's own."""
        kept = {"hidden_states": encoded.hidden_states, "attentions": encoded.attentions}
        output = filled(kind, {**values, **kept})
        return output if self._setting("return_dict", return_dict) else output.to_tuple()

    def task_losses(self, scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> tuple[Losses, ...]:
        """The losses of the task, one for each group of labels it was given.

        Args:
            scores: the model's scores by the names of its output.
            labels: by the names of `label_names`.

        Raises:
            InputError: the model has no task, or the labels are not those of the task.
        """
        raise InputError(f"{type(self).__name__} has no task of its own: compile it with a loss")

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Keras's hook: the compiled loss on the scores that `y` is for; without one, the task's own.

        Raises:
            InputError: neither `y` nor the inputs hold labels, or weights are not one for each text.
        """
        if self.loss is not None and y is not None:
            wanted, scores = self._matched(y, y_pred)
            return super().compute_loss(x, wanted, scores, sample_weight, training=training)
        if y is None and isinstance(y_pred, ModelOutput) and y_pred.loss is not None:
            return ops.mean(y_pred.loss)
        if y is None:
            raise InputError("there are no labels: give fit() a y, or the inputs their labels")
        if not isinstance(y_pred, ModelOutput):
            raise InputError("the task's own loss needs return_dict, which config.json switches off")
        losses = self.task_losses(dict(y_pred.items()), self._labels(y))
        return sum((_weighted(one, sample_weight) for one in losses[1:]), _weighted(losses[0], sample_weight))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Tensor | None = None) -> Any:
        """Keras's hook: metrics see the scores that `y` is for; without `y` there is the loss alone."""
        if y is None:
            return self.get_metrics_result()
        wanted, scores = self._matched(y, y_pred)
        return super().compute_metrics(x, wanted, scores, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the same model with new weights."""
        return {
            "config": self.config.to_dict(),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> TFPreTrainedModel:
        """The model that `get_config` described; `custom_objects` are Keras's, and none is needed."""
        policy = keras.dtype_policies.deserialize(config["dtype"])
        model = cls(MobileBertConfig.from_dict(config["config"]), name=config["name"], dtype=policy)
        model.trainable = config["trainable"]
        return model

    def _setting(self, name: str, given: bool | None) -> bool:
        return bool(getattr(self.config, name)) if given is None else given

    def _labels(self, y: Any) -> dict[str, Tensor]:
        if isinstance(y, Mapping):
            return dict(y)
        return dict(zip(self.label_names, y if isinstance(y, list | tuple) else [y], strict=False))

    def _matched(self, y: Any, y_pred: Any) -> tuple[Any, Any]:
        """Labels and the scores they are for: by name, or one after the other."""
        if not isinstance(y_pred, ModelOutput):
            return y, y_pred
        scores = {name: value for name, value in y_pred.items() if name not in BESIDE_SCORES}
        if isinstance(y, Mapping) and y.keys() <= scores.keys():
            return dict(y), {name: scores[name] for name in y}
        labels = list(self._labels(y).values())
        if len(labels) > len(scores):
            raise InputError(f"{len(labels)} labels for {len(scores)} outputs: {', '.join(scores)}")
        chosen = list(scores.values())[: len(labels)]
        return (labels[0], chosen[0]) if len(labels) == 1 else (labels, chosen)


def registered(cls: type[Any]) -> type[Any]:
    """A class that `keras.saving.load_model` finds by its name."""
    register: Callable[[type[Any]], type[Any]] = keras.saving.register_keras_serializable(
        package="entailment"
    )
    return register(cls)


def _weighted(losses: Losses, sample_weight: Tensor | None) -> Tensor:
    """[]: the mean, each loss times the weight [B] of its text."""
    if sample_weight is None:
        return losses.mean()
    weight = ops.cast(sample_weight, "float32")
    if len(weight.shape) > len(losses.each.shape):
        raise InputError(f"sample_weight must be one number for each text, not {list(weight.shape)}")
    while len(weight.shape) < len(losses.each.shape):
        weight = weight[..., None]
    return Losses(losses.each * weight, losses.counted).mean()
