"""The model of a preset."""

import inspect

from zoo.core import lending, registry
from zoo.core.capabilities import HOOKS
from zoo.pretrained.presets import weights


def build(preset, image_shape=None, config=None, compiled=True):
    """Returns the model of a `Preset`; it `adapts` to what it learns next.

    Args:
        image_shape, config: As for `zoo.pretrained.presets.get`.
        compiled: Whether it has its paper's optimizers.
    Raises: ValueError: in a sentence, what the preset does not have or is not.
    """
    lent = weights.read(preset.archive, preset.sha256)
    model = registry.find(preset.model)(**preset.config)
    config = registry.resolve(type(model), preset.config | (config or {}))
    _require_shape(preset, image_shape)
    _require_settings(preset, model, config)
    model = type(model)(**config)
    if compiled:
        model.compile()
    model.build_from_config(preset.build)
    _require_whole(preset, model, lent)
    lending.take(model, lent)
    model.adapts, model.untaught = True, tuple(preset.without)
    return model


def _require_shape(preset, image_shape):
    own = tuple(preset.build["image_shape"])
    if image_shape is not None and tuple(image_shape) != own:
        raise ValueError(
            f"The preset {preset.name!r} is of images of {'x'.join(map(str, own))}; "
            "its `fit` takes others, and layers of another size begin anew. "
            f"Received: image_shape={image_shape}."
        )


def _require_settings(preset, model, config):
    """Raises ValueError if a setting is another than the preset's that a call could not
    choose, too."""
    free = {
        option
        for capability, hook in HOOKS.items()
        if model.can(capability) and _has_options(model, hook)
        for option in model.options_of(hook)
    }
    for key, value in config.items():
        if value != model.config[key] and key not in free:
            usable = ", ".join(sorted(free & set(config)))
            others = f"settings that may be others: {usable}"
            others = others if usable else "other settings need a new model"
            raise ValueError(
                f"The preset {preset.name!r} was trained with "
                f"{key}={model.config[key]!r}; {others}. "
                f"Received: {key}={value!r}."
            )


def _has_options(model, hook):
    return "ema" in inspect.signature(getattr(model, hook)).parameters


def _require_whole(preset, model, lent):
    """Raises ValueError unless the file holds exactly the variables of the model, but
    for the networks that were left out."""
    shapes = {
        name: [tuple(v.shape) for v in each]
        for name, each in lending.variables(model).items()
        if name not in preset.without
    }
    if shapes != {name: [a.shape for a in each] for name, each in lent.items()}:
        raise ValueError(
            "The weights of the preset are not those of its model. "
            f"Received: {preset.archive}."
        )
