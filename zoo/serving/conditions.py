"""What has to hold when a graph runs: on a server, else the request is refused."""

import tensorflow as tf


def require(condition, must, received):
    """Returns the op that fails with the sentence `must` and the strings `received`
    `[K]` unless the `condition` holds."""
    received = tf.strings.reduce_join(received, separator=", ")
    message = tf.strings.join([must, " Received: ", received, "."])
    return tf.debugging.Assert(condition, [message])
