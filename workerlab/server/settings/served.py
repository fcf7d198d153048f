"""The app of the trials: it tells which process imported it, and what the server told it.

Starlette alone, of which FastAPI is made: a server sees the same, and importing it takes a quarter
of the time, in each of some hundred workers.
"""

import asyncio
import ctypes
import os
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workerlab.probe import report_requests, timed

VERSION = 1
print(f"imported by {os.getpid()}", flush=True)


async def health(request: Request) -> Response:
    return Response()


async def version(request: Request) -> Response:
    return JSONResponse(VERSION)


async def client(request: Request) -> Response:
    return JSONResponse({"scheme": request.url.scheme, "address": request.client.host})


async def wait(request: Request) -> Response:
    print("began to wait", flush=True)
    with timed():
        await asyncio.sleep(float(request.query_params["seconds"]))
    return Response()


async def block(request: Request) -> Response:
    time.sleep(float(request.query_params["seconds"]))
    return Response()


async def hold_gil(request: Request) -> Response:
    """For 30 s: a function called through PyDLL keeps the GIL, and this one needs no CPU time."""
    sleep = ctypes.PyDLL(None).sleep
    until = time.monotonic() + 30
    while time.monotonic() < until:  # a signal ends a sleep early
        sleep(30)
    return Response()


async def size(request: Request) -> Response:
    return JSONResponse(sum([len(chunk) async for chunk in request.stream()]))


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/version", version),
        Route("/client", client),
        Route("/wait", wait),
        Route("/block", block),
        Route("/hold-gil", hold_gil),
        Route("/size", size, methods=["POST"]),
    ]
)
report_requests(app)
