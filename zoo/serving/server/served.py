"""The versions of an exported model, by TensorFlow: what they take and answer."""

import os
import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from zoo.serving import client, configs, saved, versions
from zoo.serving.server.refusals import Refusal

STATUS = {  # {error of a graph: HTTP status}; of others, 500
    tf.errors.InvalidArgumentError: 400,
    tf.errors.FailedPreconditionError: 400,
    tf.errors.OutOfRangeError: 400,
    tf.errors.ResourceExhaustedError: 429,
    tf.errors.UnimplementedError: 501,
}


class Model:
    """The newest versions in the folder of an exported model, loaded.

    Attributes:
        name: That of the folder.
        versions: {number: `Version`}.
        labels: {"latest" or "previous": number}.
    Raises: ValueError: if the folder holds no version, or a damaged one.
        OSError: if it cannot be read.
    """

    def __init__(self, folder):
        kept = versions.newest(folder, configs.KEPT)
        folder = pathlib.Path(os.path.abspath(folder))
        self.name, self.labels = folder.name, configs.labels(kept)
        self.versions = {number: Version(folder / str(number)) for number in kept}

    def chosen(self, name, number=None, label=None):
        """Returns the `Version`s that a request means: of a number, of a label, or all.

        Raises: Refusal: 404, if there is none.
        """
        numbers = list(self.versions)
        if number is not None:
            numbers = [each for each in numbers if str(each) == number.lstrip("0")]
        elif label is not None:
            numbers = [self.labels[label]] if label in self.labels else []
        if name != self.name or not numbers:
            what = [("model", name), ("version", number), ("label", label)]
            raise Refusal(
                404,
                f"Servable not found: here is model={self.name} with the versions "
                f"{', '.join(map(str, self.versions))} and the labels "
                f"{', '.join(self.labels)}. Received: "
                f"{', '.join(f'{key}={value}' for key, value in what if value)}.",
            )
        return [self.versions[each] for each in numbers]


class Version:
    """One version of a model.

    Attributes:
        number: Its name as a folder.
        metadata: {signature: its definition, as JSON has it}.
        signatures: {signature: `client.Ends`}.
    """

    def __init__(self, path):
        self.number = int(path.name)
        try:
            content = (path / "saved_model.pb").read_bytes()
            (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
            self.metadata = _as_json(graph.signature_def)
            self.signatures = client.ends_of(self.metadata)
            self.graphs = tf.saved_model.load(str(path)).signatures
        except FileNotFoundError:
            raise
        except Exception as error:  # a damaged file fails anywhere in TensorFlow
            reason = f"{error}".partition("\n")[0][:200].rstrip(".")
            raise ValueError(
                f"The version cannot be loaded ({reason}); `python -m "
                f"experiments.verify` compares its files. Received: {path}."
            ) from error

    def takes(self, signature):
        """Returns {input: (dtype name, shape)} of a signature.

        Raises: Refusal: 400, if there is none of the name.
        """
        signature = signature or saved.DEFAULT
        if signature not in self.signatures:
            raise Refusal(
                400,
                f"Signatures are {', '.join(sorted(self.signatures))}. "
                f"Received: signature_name={signature[:100]}.",
            )
        return self.signatures[signature].inputs

    def answer(self, signature, rows):
        """Returns {output: array} of {input: array}.

        Raises: Refusal: if the graph does not take them, or fails.
        """
        tensors = {name: tf.constant(value) for name, value in rows.items()}
        try:
            outputs = self.graphs[signature or saved.DEFAULT](**tensors)
        except tf.errors.OpError as error:
            status = STATUS.get(type(error), 500)
            raise Refusal(status, _sentence(error.message)) from None
        return {name: value.numpy() for name, value in outputs.items()}


def _as_json(definitions):
    """Returns {signature: SignatureDef} as JSON has it, without anything left out."""
    from google.protobuf import json_format  # comes with TensorFlow

    options = {
        "preserving_proto_field_name": True,
        "always_print_fields_with_no_presence": True,
    }
    return {
        name: json_format.MessageToDict(each, **options)
        for name, each in definitions.items()
    }


def _sentence(message):
    """Returns what an error of a graph says; of its own checks, their sentence."""
    checked = client.CHECKED.search(message)
    if checked:
        return checked.group(1)
    *_, last = message.split("<stack traces unavailable>\n")
    return saved.KERNEL.sub("", " ".join(last.split()))
