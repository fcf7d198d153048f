"""The app of the probes: it tells which process imported it, and what the server told it."""

import asyncio
import os
import re

from fastapi import FastAPI, Request

VERSION = 1
app = FastAPI()
print(f"imported by {os.getpid()}", flush=True)


@app.get("/version")
async def version() -> int:
    return VERSION


@app.get("/client")
async def client(request: Request) -> dict[str, str]:
    return {"scheme": request.url.scheme, "address": request.client.host}


@app.get("/wait")
async def wait(seconds: float) -> None:
    print("began to wait", flush=True)
    await asyncio.sleep(seconds)


@app.get("/hold-gil")
async def hold_gil() -> None:
    """For longer than anybody waits: matching gives the GIL to no other thread."""
    re.match(r"(a|aa)+$", "a" * 60 + "b")


@app.post("/size")
async def size(request: Request) -> int:
    return sum([len(chunk) async for chunk in request.stream()])
