"""Replies in parts, files, and a WebSocket."""

import asyncio
import json
import time

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse, StreamingResponse

EXPECTED = {
    "GET /parts-awaited": "awaits",
    "GET /parts-in-a-thread": "waits in a thread",
    "GET /parts-computed-in-a-thread": "computes in a thread",
    "GET /parts-block": "blocks the loop",
    "GET /parts-computed": "computes on the loop",
    "GET /file": "answers at once",
    "GET /endless": "awaits",
}
DONE_IN = {
    "GET /parts-in-a-thread": "waiting",
    "GET /parts-computed-in-a-thread": "computing",
    "GET /parts-block": "blocking",
    "GET /parts-computed": "counting",
}
app = FastAPI()


@app.get("/parts-awaited")
async def parts_awaited() -> StreamingResponse:
    async def parts():
        for _ in range(8):
            await asyncio.sleep(0.025)
            yield "x"

    return StreamingResponse(parts())


@app.get("/parts-in-a-thread")
async def parts_in_a_thread() -> StreamingResponse:
    def waiting():
        for _ in range(6):
            time.sleep(0.03)
            yield "x"

    return StreamingResponse(waiting())


@app.get("/parts-computed-in-a-thread")
def parts_computed_in_a_thread() -> StreamingResponse:
    def computing():
        for _ in range(6):
            yield str(sum(number % 7 for number in range(500_000)))

    return StreamingResponse(computing())


@app.get("/parts-block")
async def parts_block() -> StreamingResponse:
    async def blocking():
        for _ in range(5):
            time.sleep(0.04)
            yield "x"

    return StreamingResponse(blocking())


@app.get("/parts-computed")
async def parts_computed() -> StreamingResponse:
    async def counting():
        for size in range(4):
            yield json.dumps([number / 3 for number in range(50_000 + size)])

    return StreamingResponse(counting())


@app.get("/file")
async def file() -> FileResponse:
    return FileResponse(__file__)


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def events():
        while True:
            await asyncio.sleep(0.05)
            yield "data: 1\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
