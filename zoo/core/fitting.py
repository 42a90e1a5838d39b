"""How a model is trained and measured by Keras' `fit`: what goes in is looked at once,
checked, and brought into the form that a training step takes."""

import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from absl import logging
from numpy.typing import ArrayLike

from zoo import backend, inputs
from zoo.core import adapting, faults, monitoring
from zoo.inputs import classes, feeds, grouping, words
from zoo.inputs.tensors import Data


class Fitting:
    """The part of `ImageModel` between users' data and the training step."""

    def fit(
        self,
        x: Data = None,
        y: ArrayLike | None = None,
        *,
        value_range: Sequence[int] | None = None,
        validation_data: Data = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains; builds the model from the data first if need be.

        Args:
            x: Batches of the fields that the model `takes`, as a `tf.data` set or a
                PyDataset: tuples in that order, or dicts by field; or the fields as
                arrays. Of most models: images, or (images, labels). Images are uint8 in
                0..255 or float in [-1, 1].
            y: The second field, if `x` is the array of the first: labels, or what the
                images are to become.
            value_range: (-1, 1) asserts the range of floats without a negative value.
            validation_data: As `x`.
            **kwargs: As `keras.Model.fit` takes them.
        Raises: ValueError: if data are not what a model can learn from, or have no end.
        """
        _check_options(kwargs, steps_per_epoch=x, validation_steps=validation_data)
        feed = self._look_to_train(x, y, value_range)
        self.require_images(feed.count)
        self._learn_names(x)
        _warn_of_sorted_rows(feed, kwargs.get("validation_split"))
        batch_size = kwargs.get("batch_size")
        size = kwargs.setdefault("validation_batch_size", batch_size)
        x, y = self._stream(feed, batch_size or 32, kwargs.get("shuffle", True))
        x, kwargs["batch_size"] = grouping.grouped(
            x, self.joined_batches, feed.rows, batch_size
        )
        if getattr(x, "is_ordered", False):
            kwargs.setdefault("shuffle", False)  # Keras' default would undo its order
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        how = (kwargs["batch_size"], kwargs.get("shuffle", True))
        x, y = backend.distributed(self, x, y, *how)
        if hasattr(x, "element_spec"):
            kwargs["shuffle"] = False  # a set has its order; so have arrays made one
        if validation_data is not None:
            validation_data = self._measured(validation_data, None, value_range, size)
        return self._fit(x, y, validation_data=validation_data, **kwargs)

    def _fit(self, x, y, callbacks: Any = None, **kwargs):
        """Keras' `fit`: its callbacks know the terms, and it ends soon after a step
        that got or made wrong values."""
        if isinstance(callbacks, keras.callbacks.CallbackList):
            each, is_whole = list(callbacks.callbacks or ()), True
        else:
            each, is_whole = keras.tree.flatten(callbacks or []), False
        is_watched = any(isinstance(callback, faults.Finite) for callback in each)
        with monitoring.directed(self, each):
            if is_watched or is_whole:
                return super().fit(x, y, callbacks=callbacks, **kwargs)
            try:
                return super().fit(x, y, callbacks=[faults.Finite(), *each], **kwargs)
            except faults.NotFiniteError as fault:
                raise fault.in_script() from None

    def make_train_function(self, force: bool = False) -> Any:
        """Makes the step anew, too, if other variables than before are frozen."""
        learned = [id(variable) for variable in self.trainable_variables]
        force = force or learned != self.__dict__.get("_learned_by_step")
        self.__dict__["_learned_by_step"] = learned
        return super().make_train_function(force)

    def _maybe_symbolic_build(self, **data):
        """Keras' TensorFlow trainer would take a batch to build the networks by, which
        are built, and fail on it where there are several workers."""

    def evaluate(
        self,
        x: Data = None,
        y: ArrayLike | None = None,
        *,
        value_range: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> float | list[float] | dict[str, float]:
        """Returns the terms on a data set (see `fit`), as `keras.Model.evaluate`
        does."""
        self.require_networks()
        if kwargs.get("_use_cached_eval_dataset"):  # fit has checked it already
            _check_options(kwargs)
        else:
            _check_options(kwargs, steps=x)
            size = kwargs.get("batch_size")
            x = self._measured(x, y, value_range, size)
            x, y = x if isinstance(x, tuple) else (x, None)
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        terms = super().evaluate(x, y, **kwargs)
        numbers = terms.values() if isinstance(terms, dict) else np.atleast_1d(terms)
        if any(np.isnan(number) for number in numbers):
            feeds.require_sound(x, self.layout, self.config.get("num_classes"))
        return terms

    def _measured(self, x, y, value_range, batch_size):
        """Data to measure by, as Keras takes them: a set, arrays, or (x, y)."""
        feed = self._look(x, y, value_range)
        x, y = self._stream(feed, batch_size or 32, shuffle=False)
        x, y = backend.distributed(self, x, y, batch_size)
        return x if y is None else (x, y)

    def predict(self, x: Data, **kwargs: Any) -> np.ndarray:
        """Returns `model(x)` for all rows, as `keras.Model.predict` does.

        Args:
            x: As `fit` takes it; fields behind the first one are left aside.
        """
        self.require_networks()
        _check_options(kwargs, steps=x)
        feed = feeds.look(x, None, self.layout, first_only=True)
        self._check_pixels(feed, self.takes[0], None, training=False)
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        return super().predict(feed.x, **kwargs)

    def train_on_batch(
        self,
        x: Data,
        y: ArrayLike | None = None,
        *,
        value_range: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> list[float] | dict[str, float]:
        """Takes one training step on a batch, checked as `fit` checks it."""
        x, y = self._one_batch(x, y, value_range)
        return super().train_on_batch(x, y, **kwargs)

    def test_on_batch(
        self,
        x: Data,
        y: ArrayLike | None = None,
        *,
        value_range: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> list[float] | dict[str, float]:
        """Returns the terms of a batch, checked as `fit` checks it."""
        self.require_networks()
        x, y = self._one_batch(x, y, value_range)
        return super().test_on_batch(x, y, **kwargs)

    def _one_batch(self, x, y, value_range):
        feed = self._look_to_train(x, y, value_range)
        return self._stream(feed, feed.rows, shuffle=False)

    # --- looking and checking ---------------------------------------------------------

    def _look_to_train(self, x, y, value_range):
        """Returns the `Feed` of data that a model with optimizers is to learn from."""
        if not self.compiled:
            self.compile()
        return self._look(x, y, value_range)

    def _look(self, x, y, value_range):
        """Returns the checked `Feed` of training data; builds the model if need be."""
        feed = feeds.look(x, y, self.layout)
        if self.adapts:
            adapting.adapt(self, feed, x)
        for field in feed.first:
            if field in feeds.PIXELS:
                self._check_pixels(feed, field, value_range, training=True)
        if self.needs_labels and "label" not in feed.first:
            raise ValueError(
                f"{self.name!r} learns from labels: pass (images, labels). "
                "Received: images only."
            )
        if "label" in feed.first and self.config.get("num_classes"):
            labels = feed.first["label"]
            inputs.check_labels(labels, len(labels), self.config["num_classes"])
        if "caption" in feed.first:
            self._learn_words(feed)
        if not self.built:
            self.build_for(feed)
        return feed

    def build_for(self, data: feeds.Feed | Data) -> None:
        """Makes the networks for data: a `Feed`, or a data set that is not consumed."""
        is_feed = isinstance(data, feeds.Feed)
        shapes = data.shapes if is_feed else feeds.shapes_of(data, self.layout)
        source = shapes.get("source") if "source" in self.takes else None
        with backend.scope(self):
            self.build(shapes[self.makes], source)

    def require_images(self, count: int | None) -> None:
        """Raises ValueError if so many images are too few to train on; None are of a
        number that is not known."""

    def _check_pixels(self, feed, field, value_range, training):
        expected = self.shape_of_field(field)
        if expected is None and "source" in feed.first and "source" not in self.takes:
            expected = feed.shapes["image"]  # targets are as large as what becomes them
        inputs.check_images(feed.first[field], expected, value_range, training, field)

    def _learn_names(self, data):
        """Takes the names of classes from data that know them, if they fit."""
        if self.class_names is None:
            self.class_names = classes.names_of(data, self.config.get("num_classes"))

    # --- captions ---------------------------------------------------------------------

    def _learn_words(self, feed):
        """Fills the vocabulary by one pass over the training captions, if it is empty
        and no network is built for it; says how many captions are cut."""
        texts = inputs.to_texts(feed.first["caption"])
        if not self.config["vocabulary"] and not self.built:
            self.config["vocabulary"] = words.vocabulary(
                texts if feed.is_arrays else feeds.texts_of(feed.x, self.layout)
            )
        length = self.tokenizer.length
        cut = sum(len(self.tokenizer.numbers(text)) > length for text in texts)
        if cut:
            logging.warning(
                "%d of %d captions have more than max_tokens=%d tokens and are cut.",
                *(cut, len(texts), length),
            )

    @property
    def tokenizer(self) -> words.Tokenizer:
        """The `words.Tokenizer` of a model that takes captions."""
        return words.Tokenizer(self.config["vocabulary"], self.config["max_tokens"])

    def _stream(self, feed, batch_size, shuffle):
        """(x, y) of a `Feed` as Keras takes them: tokens in the place of texts, domains
        of different numbers of rows as batches."""
        x, y = feed.x, feed.y
        if "caption" in feed.first:
            if feed.is_arrays:
                x, y = feeds.tokenized(feed.first, self.tokenizer), None
            else:
                x = feeds.tokenized_set(x, self.layout, self.tokenizer)
        if not self.layout.is_paired and feed.is_arrays:
            return feeds.Domains(feed.first, batch_size, shuffle), None
        return x, y


def _check_options(options, **data):
    """Raises ValueError unless the numbers among Keras' options make sense.

    Args:
        options: {name: value}.
        **data: By the option that says after how many batches of them to stop.
    """
    for name in (
        "batch_size",
        "epochs",
        "steps_per_epoch",
        "steps",
        "validation_steps",
    ):
        if options.get(name) is not None:
            inputs.check_integer(name, options[name], 1)
    share = options.get("validation_split") or 0
    if not 0 <= share < 1:  # Keras would train on nothing
        raise ValueError(f"validation_split lies in [0, 1). Received: {share!r}.")
    for name, each in data.items():
        if options.get(name) is None and feeds.is_set(each):
            _require_end(each, name)


def _require_end(data, name):
    """Raises ValueError if `data` is a set that has no end, as a repeated one: the
    option `name` is missing."""
    has_count = hasattr(data, "cardinality")
    count = data.cardinality() if has_count else data.num_batches
    if count is None or int(count) == -1:  # as PyDatasets and tf.data say it
        raise ValueError(
            f"The data set has no end: {name} says after how many batches to stop. "
            f"Received: {name}=None."
        )


def _warn_of_sorted_rows(feed, share):
    """Says which classes are measured and not learnt: Keras takes the last rows for
    validation before it shuffles, and rows of many sets are sorted by class."""
    labels = feed.first.get("label")
    if not share or labels is None:
        return
    is_one_hot = labels.ndim == 2 and labels.shape[1] > 1
    classes = labels.argmax(axis=1) if is_one_hot else labels.reshape(-1)
    start = int(len(classes) * (1 - share))
    missing = sorted(set(classes[start:].tolist()) - set(classes[:start].tolist()))
    if missing:
        logging.warning(
            "validation_split measures by the last %d rows, and no row before them is "
            "of class %s: shuffle images and labels together first.",
            *(len(classes) - start, ", ".join(map(str, missing))),
        )


def _verbosity(verbose):
    """A progress bar belongs on a terminal, one line an epoch everywhere else."""
    return (1 if sys.stdout.isatty() else 2) if verbose == "auto" else verbose
