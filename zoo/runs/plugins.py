"""A user's own callbacks, by the names of their modules."""

import importlib
import os
import sys

import keras


def callbacks(names):
    """Returns the Keras callbacks that `module:name` mean.

    Args:
        names: Texts; a module is found in the current folder, too. What a name means is
            a callback, or what returns one without arguments, such as its class.
    Raises: ValueError: for a name that means none.
    """
    return [_callback(name) for name in names]


def _callback(text):
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise ValueError(
            "A callback is module:name, e.g. mine:Alarm, where mine.py has a class "
            f"Alarm. Received: callbacks={text}."
        )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        thing = getattr(importlib.import_module(module), name)
        is_callback = isinstance(thing, keras.callbacks.Callback)
        callback = thing if is_callback or not callable(thing) else thing()
    except Exception as error:  # the module is a user's and may raise anything
        raise ValueError(
            f"The callback cannot be made: {type(error).__name__}: {error}. "
            f"Received: callbacks={text}."
        ) from error
    if not isinstance(callback, keras.callbacks.Callback):
        raise ValueError(
            "A callback is a keras.callbacks.Callback, its class, or a function "
            f"without arguments that returns one, not of type "
            f"{type(callback).__name__}. Received: callbacks={text}."
        )
    return callback
