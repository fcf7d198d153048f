"""Served by Gunicorn with a worker class of its own."""

import asyncio
import time

from fastapi import FastAPI
from uvicorn_worker import UvicornWorker

EXPECTED = {
    "GET /waits": "awaits",
    "GET /blocks": "blocks the loop",
    "GET /computes": "computes on the loop",
    "GET /thread": "waits in a thread",
    "GET /quick": "answers at once",
}
COMMAND = "gunicorn own_worker:app --worker-class own_worker.Worker --workers 2"


class Worker(UvicornWorker):
    CONFIG_KWARGS = {"loop": "asyncio", "http": "h11"}  # noqa: RUF012 (Uvicorn's own form)


app = FastAPI()


@app.get("/waits")
async def waits() -> int:
    await asyncio.sleep(0.1)
    return 1


@app.get("/blocks")
async def blocks() -> int:
    time.sleep(0.1)
    return 1


@app.get("/computes")
async def computes() -> int:
    return sum(number * number for number in range(1_500_000))


@app.get("/thread")
def thread() -> int:
    time.sleep(0.1)
    return 1


@app.get("/quick")
async def quick() -> int:
    return 1
