"""Trained models for TF Serving: a version is a SavedModel with all in its graph.

    zoo.export(model, "serving/vaegan")    # -> serving/vaegan/1, then /2, ...

A server needs neither Keras nor the zoo: sampling loops, seeds, labels, the checks of
what a request holds and PNG files are parts of the graphs (docs/serving.md).
"""

from zoo.inputs import pictures, suggestions
from zoo.version import VERSION


def export(
    model,
    folder,
    signatures=None,
    version=None,
    steps=None,
    sampler=None,
    warmup=True,
    format="saved_model",
    rules=None,
):
    """Writes `model` as a SavedModel into `folder/<version>`; returns that path.

    Args:
        model: A model with networks.
        folder: Of all versions of the model; its name is the model's on the server.
        signatures: Names of those to export; if None, of all that the model can do.
        version: A whole number; one more than the last if None.
        steps, sampler: Of a denoising model's samples, fixed in the graph; the settings
            of the model if None.
        warmup: Whether to write requests that a server runs on loading.
        format: Or "tflite", "openvino", "onnx": for another runtime, of the signatures
            that are a pass through networks (`zoo.serving.runtimes`).
        rules: By which a request's picture files are read: those of the training data,
            `zoo.data.info(...).rules`. If None, the defaults of `pictures.Rules`.
    Raises: ValueError: for an unknown signature, option or rule, or wrong steps, a
        format that cannot hold them, or on another backend than TensorFlow.
        OSError: if the version exists or cannot be written; nothing remains.
        ImportError: if the warm-up or the format needs a package that is missing.
    """
    _require_tensorflow()
    # TensorFlow takes seconds to import, and only an export needs these.
    from zoo.serving import runtimes, saved
    from zoo.serving import signatures as offered

    options = {"steps": steps, "sampler": sampler}
    options = {name: value for name, value in options.items() if value is not None}
    chosen = _chosen(model, offered.of(model, rules, **options), signatures)
    facts = _facts(model, rules)
    if format != "saved_model" and signatures is None:
        chosen = [each for each in chosen if each.is_network] or chosen
    if format != "saved_model":
        return runtimes.write(format, chosen, folder, version, facts)
    return saved.write(chosen, folder, version, warmup, facts)


def _require_tensorflow():
    """Raises ValueError on another backend than TensorFlow."""
    from zoo import backend  # here, because a client of a server does without Keras

    if backend.NAME != "tensorflow":
        raise ValueError(
            "An export holds TensorFlow's graphs: run it with "
            "KERAS_BACKEND=tensorflow, which loads the same files. "
            f"Received: KERAS_BACKEND={backend.NAME}."
        )


def _chosen(model, offers, names):
    """Returns the `Signature`s of these `names`, or all, among `offers` {name:
    `Signature`}."""
    names = list(offers) if names is None else list(names)
    if not names:
        raise ValueError("An export needs a signature. Received: none.")
    for name in names:
        if name not in offers:
            near = suggestions.nearest(name, offers)
            raise ValueError(
                f"{model.name!r} has no such signature{near}. "
                f"Signatures: {', '.join(offers)}. Received: {name!r}."
            )
    return [offers[name] for name in names]


def _facts(model, rules):
    """What an export says of its model: which one it is, after how many steps,
    and how it reads files."""
    from keras import ops

    steps = model.optimizer.iterations if model.compiled else 0
    return {
        "model": model.name,
        "config": model.config,
        "image_shape": list(model.image_shape),
        "class_names": model.class_names,
        "rules": pictures.for_shape(model.image_shape, rules).plain(),
        "step": int(ops.convert_to_numpy(steps)),
        "zoo": VERSION,
    }
