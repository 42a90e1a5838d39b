"""What a command line says of learning rates: one value, or one for each network.

Nothing here imports Keras, so that a wrong word is told before it is imported.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

# Of `zoo.core.schedules.Schedule`.
KINDS = ("constant", "cosine", "linear", "half_linear")


def by_network(
    flag: str,
    texts: Sequence[str],
    networks: Sequence[str],
    convert: Callable[[str], Any],
    default: Any,
) -> dict[str, Any]:
    """Returns {network: value} from texts such as "1e-3" or "encoder=1e-3".

    Args:
        flag: Name for errors.
        texts: Read in turn; a value without a network is one for all.
        convert: From text to value; raises ValueError.
        default: Value, or {network: value}, where no text says one.
    Raises: ValueError: for an unknown network or a value that cannot be.
    """
    same = not isinstance(default, dict)
    values = dict.fromkeys(networks, default) if same else dict(default)
    for text in texts:
        network, equals, _ = text.rpartition("=")
        if equals and network not in networks:
            raise ValueError(
                f"--{flag} takes a value or network=value, with the networks "
                f"{', '.join(networks)}. Received: {flag}={text!r}."
            )
        value = parsed(flag, text, convert)
        values |= dict.fromkeys([network] if equals else networks, value)
    return values


def parsed(flag: str, text: str, convert: Callable[[str], Any]) -> Any:
    """Returns the value of a text such as "1e-3" or "encoder=1e-3", whose network may
    be any; arguments and errors are those of `by_network`."""
    try:
        value = convert(text.rpartition("=")[2])
    except ValueError:
        raise ValueError(_wrong(flag, convert, text)) from None
    if not isinstance(value, str) and (value < 0 or not math.isfinite(value)):
        raise ValueError(_wrong(flag, convert, text))
    return value


def kind(text: str) -> str:
    """Returns `text` if it names a schedule; ValueError otherwise."""
    if text not in KINDS:
        raise ValueError(text)
    return text


def _wrong(flag, convert, text):
    allowed = {float: "a number from 0", int: "a whole number from 0"}
    words = allowed.get(convert, f"one of {', '.join(KINDS)}")
    return f"--{flag} takes {words}. Received: {flag}={text!r}."
