"""A signature: one question that a server answers, as a graph."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from zoo.serving import requests
from zoo.serving.requests import Input

SEED = Input("int64", (), 0, 2**62)  # the seeds of `model.sample`


@dataclasses.dataclass(frozen=True)
class Signature:
    """One question that a server answers.

    Attributes:
        name: As requests give it.
        takes: {input: `Input`}.
        answer: Tensors by these names -> {output: tensor}; checks nothing.
        is_network: Whether the answer is a pass through networks, with no random number
            and no file.
    """

    name: str
    takes: dict[str, Input]
    answer: Callable
    is_network: bool = True

    def concrete(self, with_checks=True):
        """Returns the concrete function that checks and answers, for a SavedModel."""

        def serve(**values):
            if with_checks:
                values = {
                    name: requests.checked(values[name], name, takes, self.name)
                    for name, takes in self.takes.items()
                }
                values = requests.same_rows(values, self.name)
            outputs = self.answer(**values)
            return {name: _full_precision(value) for name, value in outputs.items()}

        serve.__name__ = self.name  # the kernels' own errors tell it
        specs = {name: takes.spec(name) for name, takes in self.takes.items()}
        return tf.function(serve, autograph=False).get_concrete_function(**specs)


def _full_precision(value):
    return tf.cast(value, "float32") if value.dtype.is_floating else value
