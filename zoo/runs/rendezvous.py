"""Before several workers begin: our port is free, and all others come.

TensorFlow listens on a port that another program has as well, and waits without a word
for a worker that never comes.
"""

import contextlib
import socket
import sys
import time

PATIENCE = 3.0  # seconds until we say for whom we wait
LIMIT = 600.0  # seconds until we no longer wait
POLL = 0.2  # seconds between two looks


def meet(addresses, index):
    """Returns once all workers have come; says on stderr for whom it waits.

    Args:
        addresses: Of all workers, "host:port".
        index: Our place among them.
    Raises:
        OSError: if our port is taken.
        ConnectionError: if a worker has not come within `LIMIT`.
    """
    missing = {i: address for i, address in enumerate(addresses) if i != index}
    began, is_said = time.monotonic(), False
    with _listening(addresses[index], index):  # as the others look for us, too
        while missing := {i: a for i, a in missing.items() if not _answers(a)}:
            waited = time.monotonic() - began
            names = ", ".join(f"worker {i} at {a}" for i, a in missing.items())
            if waited > LIMIT:
                raise ConnectionError(
                    f"Not all workers have come within {LIMIT / 60:.0f} minutes. "
                    f"Missing: {names}."
                )
            if waited > PATIENCE and not is_said:
                is_said = True
                print(f"waiting for {names}", file=sys.stderr, flush=True)
            time.sleep(POLL)


@contextlib.contextmanager
def _listening(address, index):
    """Listens on our port within the context."""
    port = int(address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    how = {"family": socket.AF_INET6 if both else socket.AF_INET}
    try:
        server = socket.create_server(("", port), dualstack_ipv6=both, **how)
    except OSError as error:
        raise OSError(
            f"Worker {index} cannot listen on its port ({error.strerror}): end the "
            f"program that does, or choose another port. Received: {address}."
        ) from None
    with server:
        yield


def _answers(address):
    """Whether a program listens at "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True
