"""A SavedModel of signatures, one version of a model on a server."""

import re

import tensorflow as tf

from zoo.serving import signatures as offered
from zoo.serving import versions, warmup

DEFAULT = "serving_default"  # of requests that name no signature
KERNEL = re.compile(r"\{\{.*?\}\} | \[Op:\w+\]")  # what an error tells of its origin


def write(signatures, folder, version=None, with_warmup=True, facts=None):
    """Writes the `Signature`s as a SavedModel into `folder/<version>`; returns its
    path.

    Raises: ImportError: for warm-up requests without the package that makes them.
    """
    if with_warmup:
        warmup.require()
    with versions.new(folder, version, facts) as (temporary, final):
        graphs = {signature.name: signature.concrete() for signature in signatures}
        graphs[DEFAULT] = graphs[offered.main(graphs)]
        try:
            save(graphs, temporary)
            if with_warmup:
                warmup.write(temporary, final.parent.name, signatures)
        except tf.errors.OpError as error:  # TensorFlow's own file system is full, say
            reason = KERNEL.sub("", error.message.splitlines()[0]).rstrip(".")
            raise OSError(f"The version cannot be written: {reason}.") from error
    return final


def save(graphs, folder):
    """Writes {signature: concrete function} as a SavedModel, with the variables that
    they use and no others: no discriminator of a sampler, no optimizer."""
    module = tf.Module()
    used = {id(v): v for graph in graphs.values() for v in graph.variables}
    module.weights = list(used.values())
    tf.saved_model.save(module, str(folder), signatures=graphs)
