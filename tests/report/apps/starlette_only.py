"""Starlette without FastAPI: functions, a class of an endpoint, a mounted app, a plain ASGI app."""

import asyncio
import bz2
import time

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

EXPECTED = {
    "GET /": "answers at once",
    "GET /waits": "awaits",
    "GET /thread": "waits in a thread",
    "GET /blocks": "blocks the loop",
    "GET /class": "blocks the loop",
    "GET /class-in-a-thread": "waits in a thread",
    "GET /packs": "computes on the loop",
    "GET /packs-in-a-thread": "computes in a thread",
    "GET /big": "computes on the loop",
    "GET /task": "waits in a thread",
    "GET /inner/waits": "awaits",
    "GET /inner/blocks": "blocks the loop",
    "GET /asgi/": "blocks the loop",
}
PATHS = ["/asgi/"]  # a mounted function has no method
DONE_IN = {
    "GET /class": "get",
    "GET /class-in-a-thread": "get",
    "GET /task": "write",
    "GET /inner/blocks": "blocks",
    "GET /asgi/": "plain_asgi",
}
DATA = b"".join(b"%d," % (number * number) for number in range(180_000))


async def home(request) -> PlainTextResponse:
    return PlainTextResponse("1")


async def waits(request) -> PlainTextResponse:
    await asyncio.sleep(0.12)
    return PlainTextResponse("1")


def thread(request) -> PlainTextResponse:
    time.sleep(0.12)
    return PlainTextResponse("1")


async def blocks(request) -> PlainTextResponse:
    time.sleep(0.12)
    return PlainTextResponse("1")


class Blocking(HTTPEndpoint):
    async def get(self, request) -> PlainTextResponse:
        time.sleep(0.06)
        return PlainTextResponse("1")


class InAThread(HTTPEndpoint):
    def get(self, request) -> PlainTextResponse:
        time.sleep(0.06)
        return PlainTextResponse("1")


async def packs(request) -> PlainTextResponse:
    return PlainTextResponse(str(len(bz2.compress(DATA))))


def packs_in_a_thread(request) -> PlainTextResponse:
    return PlainTextResponse(str(len(bz2.compress(DATA))))


async def big(request) -> JSONResponse:
    return JSONResponse([{"id": number, "half": number / 2} for number in range(80_000)])


def write() -> None:
    time.sleep(0.09)


async def task(request) -> PlainTextResponse:
    return PlainTextResponse("1", background=BackgroundTask(write))


async def plain_asgi(scope, receive, send) -> None:
    time.sleep(0.07)
    await PlainTextResponse("1")(scope, receive, send)


app = Starlette(
    routes=[
        Route("/", home),
        Route("/waits", waits),
        Route("/thread", thread),
        Route("/blocks", blocks),
        Route("/class", Blocking),
        Route("/class-in-a-thread", InAThread),
        Route("/packs", packs),
        Route("/packs-in-a-thread", packs_in_a_thread),
        Route("/big", big),
        Route("/task", task),
        Mount("/inner", routes=[Route("/waits", waits), Route("/blocks", blocks)]),
        Mount("/asgi", plain_asgi),
    ]
)
