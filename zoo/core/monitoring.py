"""What Keras' callbacks monitor: which term of a model, and which way is better."""

import contextlib
from collections.abc import Iterable, Iterator

import keras

from zoo.inputs import suggestions

# Better when larger, the same in every model; d_real in its discriminator's eyes.
RISING = {"accuracy", "elbo", "d_real"}
MONITORS = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)
CHANGED = ("monitor", "mode", "monitor_op", "min_delta")


def mode_of(model: keras.Model, term: str) -> str:
    """Returns "min" or "max": which values of a model's term are better."""
    if term == model.monitor:
        return model.monitor_mode
    return "max" if term in RISING else "min"


@contextlib.contextmanager
def directed(
    model: keras.Model, callbacks: Iterable[keras.callbacks.Callback]
) -> Iterator[None]:
    """Within, those of Keras' callbacks that monitor know a term of `model` and its
    direction: `loss` is the term that tells the best epoch, and mode "auto" is known.

    Keras itself asks the metrics of `compile` alone. After the context the callbacks
    are as before, ready for another model.

    Raises: ValueError: if nothing tells what they are to monitor.
    """
    before = []
    try:
        for each in callbacks:
            if isinstance(each, MONITORS) and getattr(each, "save_best_only", True):
                before.append((each, {name: getattr(each, name) for name in CHANGED}))
                _direct(model, each)
        yield
    finally:
        for each, values in before:
            vars(each).update(values)


def _direct(model, callback):
    prefix = "val_" if callback.monitor.startswith("val_") else ""
    term = callback.monitor.removeprefix("val_")
    if term == "loss" and term not in model.terms:
        term = model.monitor or _refuse_loss(model, callback)
        callback.monitor = prefix + term
        # "min" is what one says of a loss, whatever stands in its place.
        callback.mode = "max" if callback.mode == "max" else "auto"
    if callback.mode == "auto":
        _require_term(model, term, callback)
        callback.mode = mode_of(model, term)


def _refuse_loss(model, callback):
    known = ", ".join(prefix + t for prefix in ("", "val_") for t in model.terms)
    raise ValueError(
        f"No term of {model.name!r} tells its best epoch, so none stands for a loss; "
        f"monitor one of {known}. "
        f"Received: {type(callback).__name__} of monitor={callback.monitor!r}."
    )


def _require_term(model, term, callback):
    if term not in model.terms:
        raise ValueError(
            f"{model.name!r} reports no such term"
            f"{suggestions.nearest(term, model.terms)}. "
            f"Terms: {', '.join(model.terms)}; of others, mode='min' or mode='max' "
            f"tells the better way. Received: monitor={callback.monitor!r}."
        )
