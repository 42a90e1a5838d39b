"""How many requests compute at once, and how many wait for that."""

import asyncio
import contextlib
from concurrent import futures

from zoo.serving.server.refusals import Refusal


class Gate:
    """Lets `running` requests compute at once and `waiting` more wait, in the order in
    which they came; refuses all others. All but `close` runs in one event loop."""

    def __init__(self, running, waiting):
        self.workers = futures.ThreadPoolExecutor(running, "answer")
        self.most = running + waiting
        self.inside, self.is_closed = 0, False

    @contextlib.contextmanager
    def place(self):
        """Holds a place for one request.

        Raises: Refusal: 503, if there is none.
        """
        if self.inside >= self.most:
            raise Refusal(
                503,
                f"The server is busy with {self.most} requests and takes no more. Ask "
                "again later.",
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def run(self, function, *values):
        """Returns what `function(*values)` returns, computed beside the event loop.

        Raises: Refusal: 503, if the gate closes before it begins.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.workers, function, *values)
        except (asyncio.CancelledError, RuntimeError):
            if not self.is_closed:
                raise
            raise Refusal(503, "The server stops.") from None

    def close(self):
        """Refuses what waits; what computes comes to its end."""
        self.is_closed = True
        self.workers.shutdown(wait=False, cancel_futures=True)
