"""The addresses of the documented REST protocol, and what each answers.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import asyncio
import json
import re
import time
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from zoo.serving.server import guard, wire
from zoo.serving.server.gate import Gate
from zoo.serving.server.monitor import CONTENT, Monitor
from zoo.serving.server.refusals import Refusal

TARGET = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
READ = re.compile(rf"{TARGET}(/metadata)?")
ASKED = re.compile(rf"{TARGET}:(predict|classify|regress)")
JSON = "application/json"


class Limits(NamedTuple):
    """What a server bears.

    Attributes:
        workers: Requests that compute at once.
        queue: Requests that wait for that.
        rows: Of a request.
        body: Bytes of a request.
        timeout: Seconds that a client may take to send a request or to read the reply.
    """

    workers: int = 2
    queue: int = 256
    rows: int = 1024
    body: int = 16 * 2**20
    timeout: float = 30


class Server:
    """Answers for a `served.Model` within `Limits`."""

    def __init__(self, model, limits):
        self.model, self.limits = model, limits
        self.gate = Gate(limits.workers, limits.queue)
        self.monitor = Monitor(model.name)

    def app(self, host):
        """Returns the ASGI application; on an address of this machine, it answers this
        machine alone."""
        sentence = "This server answers its own machine alone, by its own address."
        refusal = JSON.encode(), json.dumps({"error": sentence}).encode()
        own = Middleware(guard.OwnMachine, host=host, refusal=refusal)
        return Starlette(
            routes=[
                Route("/healthz", self.health),
                Route("/monitoring/prometheus/metrics", self.metrics),
                Route("/v1/{rest:path}", self.read, methods=["GET"]),
                Route("/v1/{rest:path}", self.asked, methods=["POST"]),
            ],
            middleware=[own] if guard.is_loopback(host) else [],
            exception_handlers={
                Refusal: _refused,
                HTTPException: _no_such_address,
                ClientDisconnect: _gone,
                Exception: _failed,  # Uvicorn prints it
            },
        )

    async def health(self, request):
        return PlainTextResponse("ok\n")

    async def metrics(self, request):
        return Response(self.monitor.text(self.gate.inside), media_type=CONTENT)

    async def read(self, request):
        """Answers which versions are ready, or what a version takes."""
        *target, wants_metadata = _parsed(READ, request)
        versions = self.model.chosen(*target)
        if not wants_metadata:
            return JSONResponse({"model_version_status": list(map(_state, versions))})
        version = versions[-1]
        spec = {"name": self.model.name, "version": str(version.number)}
        return JSONResponse(
            {
                "model_spec": {**spec, "signature_name": ""},
                "metadata": {"signature_def": {"signature_def": version.metadata}},
            }
        )

    async def asked(self, request):
        """Answers by a signature."""
        start, status = time.perf_counter(), 500
        try:
            content = await self._answered(request)
            status = 200
            return Response(content, media_type=JSON)
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self.monitor.tell(status, time.perf_counter() - start)

    async def _answered(self, request):
        *target, method = _parsed(ASKED, request)
        version = self.model.chosen(*target)[-1]
        if method != "predict":
            raise Refusal(
                400, f"All signatures are asked by :predict. Received: :{method}."
            )
        # The place is taken before the body is read: bodies are what fills the memory.
        with self.gate.place():
            content = await self._body(request)
            return await self.gate.run(self._answer, version, content)

    async def _body(self, request):
        """Returns the bytes of a request, or raises Refusal: too many, too slow."""
        limits, content = self.limits, bytearray()
        too_large = Refusal(413, f"A request has at most {limits.body:,} bytes.")
        if int(request.headers.get("content-length", 0)) > limits.body:
            raise too_large
        try:
            async with asyncio.timeout(limits.timeout):
                async for chunk in request.stream():
                    content += chunk
                    if len(content) > limits.body:
                        raise too_large
        except TimeoutError:
            sentence = f"A request has to arrive within {limits.timeout:g} seconds."
            raise Refusal(408, sentence) from None
        return bytes(content)

    def _answer(self, version, content):
        """Returns the bytes of a reply to those of a request; runs in a worker."""
        question = wire.read(content)
        takes = version.takes(question.signature)
        rows = wire.arrays(question, takes, self.limits.rows)
        return wire.reply(question.form, version.answer(question.signature, rows))


def _parsed(pattern, request):
    """Returns the groups of a request's path: model, version, label, what is asked."""
    path = request.scope["path"]
    match = pattern.fullmatch(path)
    if match is None:
        raise Refusal(400, f"Malformed request: {request.method} {path[:200]}")
    return match.groups()


def _state(version):
    return {
        "version": str(version.number),
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }


def _error(status, sentence, headers=None):
    return JSONResponse({"error": sentence}, status, headers)


async def _refused(request, refusal):
    return _error(refusal.status, refusal.sentence)


async def _no_such_address(request, error):
    sentence = f"{error.detail}: {request.method} {request.scope['path'][:200]}"
    return _error(error.status_code, sentence, error.headers)


async def _gone(request, error):
    return Response()  # nobody reads it


async def _failed(request, error):
    return _error(500, "The server failed; what it prints tells why.")
