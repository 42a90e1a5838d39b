"""Checks how a call is refused: in one sentence that says what was received."""

import pytest


def refusal(call, *arguments, **options):
    """Returns the message with which a call is refused, checked to be one clear
    sentence."""
    with pytest.raises((ValueError, OSError)) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "Received: " in message and message.endswith(".") and "\n" not in message
    return message
