"""A model inside a model: a setting may be a trained model.

The annotation `Part` (or `Part | None`) of a constructor's argument says so. The config
keeps names and numbers alone, {"name", "config", "image_shape", "source_shape"}; the
part is built anew when the outer model is, and gets the weights of the model that was
given. Its weights lie in the outer model's file.
"""

from typing import Any

KEYS = {"name", "config", "image_shape", "source_shape"}


class Part:
    """Annotation of a setting that is a trained model of the zoo."""


def described(setting: str, value: Any) -> dict[str, Any]:
    """Returns the dict that a config keeps of the model `value`; such a dict stays.

    Raises: ValueError: if `value` is something else, or a model without networks.
    """
    if isinstance(value, dict) and set(value) == KEYS:
        return value
    if not hasattr(value, "registry_name") or not hasattr(value, "source_shape"):
        raise ValueError(
            f"{setting!r} takes a trained model of the zoo, such as zoo.load returns. "
            f"Received: {value!r}."
        )
    if not value.built:
        raise ValueError(
            f"{setting!r} takes a model that has been trained. "
            f"Received: {value.registry_name!r}, which has no networks yet."
        )
    return {
        "name": value.registry_name,
        "config": value.get_config(),
        "image_shape": list(value.image_shape),
        "source_shape": value.source_shape and list(value.source_shape),
    }


def is_model(value: object) -> bool:
    """Whether a setting's value is a model itself, not what a config keeps of it."""
    return value is not None and not isinstance(value, dict)
