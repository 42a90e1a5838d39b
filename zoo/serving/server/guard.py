"""Who may ask a page or a server that is meant for its own machine alone.

A browser lets any page of the internet send requests to 127.0.0.1, and the owner of a
name may point it there (DNS rebinding). So the name that was asked has to be this
machine's, and a page that asks has to be this one.
"""

import ipaddress

OWN = ("localhost", "127.0.0.1", "[::1]")
PLAIN = b"text/plain", b"This page answers its own machine alone, by its own address."


def is_loopback(host):
    """Whether an address or name is that of this machine, seen from itself alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class OwnMachine:
    """ASGI middleware that refuses what another host or another page asks.

    Args:
        app: The application behind it.
        host: The address that is served, besides the usual ones of this machine.
        refusal: What others get: (type of the content, content), as bytes.
    """

    def __init__(self, app, host="127.0.0.1", refusal=PLAIN):
        self.app, self.refusal = app, refusal
        self.hosts = {*OWN, host, f"[{host}]"}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan" or self._is_own(scope):
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        kind, content = self.refusal
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _is_own(self, scope):
        headers = {
            name.lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        asked = headers.get(b"host", "")
        origin = headers.get(b"origin")
        name = asked if asked.endswith("]") else asked.rpartition(":")[0] or asked
        is_own_page = origin is None or origin.partition("://")[2] == asked
        return name in self.hosts and is_own_page
