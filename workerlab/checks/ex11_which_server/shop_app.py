"""The app of task 2, as a file: it tells who the client is, waits, and blocks its worker."""

SHOP = """
import asyncio
import time

from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/client")
async def client(request: Request) -> dict[str, str]:
    return {"shop": request.client.host}


@app.get("/wait")
async def wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


@app.get("/block")
async def block(seconds: float) -> None:
    time.sleep(seconds)
"""
