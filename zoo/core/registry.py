"""Name -> model class, and what a constructor's signature says about its config."""

import ast
import importlib
import inspect
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from zoo.core import headers, parts
from zoo.inputs import suggestions

_CLASSES = {}
_MODULES = {}  # name: the module that registers it once it is imported


def announce(modules: dict[str, str]) -> None:
    """Enters {name: module} of models whose files are imported when they are asked
    for."""
    _MODULES.update(modules)


def register(name: str) -> Callable[[type], type]:
    """Class decorator: enters a model into the zoo under `name`.

    Raises: ValueError: if another class has the name.
    """

    def enter(cls):
        import keras  # here, so that names are known before a framework is

        elsewhere = _MODULES.get(name, cls.__module__) != cls.__module__
        known = find(name) if elsewhere else _CLASSES.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(
                f"The name {name!r} is taken by {_path(known)}; choose another. "
                f"Received: {_path(cls)}."
            )
        _CLASSES[name] = cls
        cls.registry_name = name
        return keras.saving.register_keras_serializable("zoo", name)(cls)

    return enter


def names() -> list[str]:
    """Returns the sorted names of all models."""
    return sorted(_CLASSES.keys() | _MODULES.keys())


def require(name: str) -> None:
    """Raises ValueError unless `name` is a model's, and suggests the nearest; imports
    nothing."""
    if name not in names():
        raise ValueError(
            f"There is no such model{suggestions.nearest(name, names())}. "
            f"Models: {', '.join(names())}. Received: {name!r}."
        )


def find(name: str) -> type:
    """Returns the class registered as `name`; its file is imported if it has to be.

    Raises: ValueError: for an unknown name, with the nearest right one.
    """
    require(name)
    if name not in _CLASSES:
        importlib.import_module(_MODULES[name])
    return _CLASSES[name]


def file_to_read(name: str) -> str | None:
    """Returns the module of a model that has not been imported, None of another."""
    return None if name in _CLASSES else _MODULES.get(name)


def part_names(cls: type) -> list[str]:
    """Returns the names of the settings of a class that are trained models."""
    known = parameters(cls).items()
    return [name for name, (hint, _) in known if parts.Part in choices(hint)]


def parameters(cls: type) -> dict[str, tuple[Any, Any]]:
    """Returns {argument: (annotation, default)} of a model's constructor."""
    hints = typing.get_type_hints(cls.__init__)
    return {
        name: (hints.get(name), parameter.default)
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name != "self"
    }


def resolve(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the whole config: `config` checked against the constructor, then
    defaults.

    Raises: ValueError: for an unknown key or a value of the wrong type.
    """
    known, title = parameters(cls), _title(cls)
    for key in config:
        _require_known(title, key, known)
    resolved = {key: config.get(key, default) for key, (_, default) in known.items()}
    for key, value in resolved.items():
        if value is inspect.Parameter.empty:
            raise ValueError(
                f"{title} needs the setting {key!r}: "
                f"{_describe(known[key][0])}. Received: none."
            )
    return {
        key: _checked(title, key, known[key][0], each) for key, each in resolved.items()
    }


def parse_setting(name: str, key: str, text: str) -> Any:
    """Returns the value that `text` (of a command line) means for a model's setting."""
    known = parameters(find(name))
    _require_known(repr(name), key, known)
    return _parsed(repr(name), key, known[key][0], text)


def require_setting(name: str, key: str, text: str) -> None:
    """Raises ValueError as `parse_setting`, as far as the model's file, which is read
    and not imported, tells what a setting may be."""
    module = file_to_read(name)
    if module is None:
        parse_setting(name, key, text)
        return
    header = headers.Header(name, module)
    _require_known(repr(name), key, header.config)
    annotation = headers.annotations(header.lineage).get(key)
    if annotation is not None:
        _parsed(repr(name), key, annotation, text)


def _require_known(title, key, known):
    """Raises ValueError unless a model has the setting `key`."""
    if key not in known:
        raise ValueError(
            f"{title} has no such setting{suggestions.nearest(key, known)}. "
            f"Settings: {', '.join(known)}. Received: {key!r}."
        )


def _parsed(title, key, annotation, text):
    if parts.Part in choices(annotation):
        return None if text.lower() == "none" else text  # a path, read when it is built
    if str in choices(annotation) or any(type(x) is str for x in _literals(annotation)):
        return _checked(title, key, annotation, text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = {"true": True, "false": False, "none": None}.get(text.lower(), text)
    return _checked(title, key, annotation, value)


def _path(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def _title(cls):
    return repr(getattr(cls, "registry_name", cls.__name__))


def choices(annotation: Any) -> tuple:
    """Returns the alternatives of a union, or the annotation alone."""
    if isinstance(annotation, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _literals(annotation):
    return typing.get_args(annotation) if _is(annotation, typing.Literal) else ()


def _is(annotation, origin):
    return typing.get_origin(annotation) is origin


def _is_number(value) -> typing.TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value)


def _checked(title, key, annotation, value):
    if value is None and types.NoneType in choices(annotation):
        return None
    for choice in choices(annotation):
        if choice is parts.Part:
            return parts.described(key, value)
        if choice is float and _is_number(value):
            return float(value)
        if choice in (int, bool, str) and type(value) is choice:
            return value
        for literal in () if type(value) is bool else _literals(choice):
            if isinstance(value, type(literal)) and value == literal:
                return literal
        if _is(choice, tuple) and isinstance(value, (tuple, list)):
            if all(type(item) is typing.get_args(choice)[0] for item in value):
                return tuple(value)
    raise ValueError(
        f"{title} takes {_describe(annotation)} for {key!r}. Received: {value!r}."
    )


def _describe(annotation):
    words = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}
    words |= {types.NoneType: "none", parts.Part: "a trained model"}
    alternatives = []
    for choice in choices(annotation):
        if _literals(choice):
            alternatives.append("one of " + ", ".join(map(repr, _literals(choice))))
        elif _is(choice, tuple):
            alternatives.append("a tuple such as (1, 2)")
        else:
            alternatives.append(words[choice])
    return " or ".join(alternatives)
