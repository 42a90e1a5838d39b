"""A server listens on an address, in a thread, until it is told to stop."""

import contextlib
import socket
import threading
import time

import uvicorn
from starlette.responses import JSONResponse
from uvicorn.protocols.http import h11_impl

from zoo.serving.server.app import Server

GRACE = 10  # seconds for what computes when the server stops
MOST = 512  # open connections; each is a file, of which a process has 1,024 as a rule
FULL = {"error": f"The server has {MOST} open connections and takes no more."}


class Connection(h11_impl.H11Protocol):
    """A connection that ends when the server has waited too long for its client: to
    send the head of a request, to read a reply, to ask again."""

    def connection_made(self, transport):
        super().connection_made(transport)
        if len(self.connections) > MOST:
            self.app = JSONResponse(FULL, 503, {"connection": "close"})
        self.patience = self._begun()

    def connection_lost(self, exc):
        self.patience.cancel()
        super().connection_lost(exc)

    def handle_events(self):
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self.patience.cancel()  # it is the server's turn

    def on_response_complete(self):
        self.patience = self._begun()
        super().on_response_complete()

    def _begun(self):
        return self.loop.call_later(
            self.config.timeout_keep_alive, self.transport.abort
        )


def bound(host, port):
    """Returns a socket that has the address. Who asks it waits until it is served.

    Raises: OSError: if the address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise OSError(
            f"The server cannot listen there: {error.strerror}. Choose another --port, "
            f"or 0 for any that is free. Received: {host}, port {port}."
        ) from None
    return listener


@contextlib.contextmanager
def serving(model, listener, limits):
    """Serves a `served.Model` within `Limits` on the socket that `bound` returns;
    yields the address. What waits for an answer at the end is refused, what computes
    has a few seconds.
    """
    host, port = listener.getsockname()[:2]
    server = Server(model, limits)
    config = uvicorn.Config(
        server.app(host),
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.timeout,
        timeout_graceful_shutdown=GRACE,
    )
    loop = uvicorn.Server(config)
    thread = threading.Thread(target=loop.run, args=([listener],), name="server")
    thread.start()
    try:
        while not loop.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.gate.close()
        loop.should_exit = True
        thread.join()
