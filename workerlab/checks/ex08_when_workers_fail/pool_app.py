"""The app of task 3: handlers that await a pool of five, as of connections to a database."""

import asyncio

from fastapi import FastAPI

POOL, SECONDS = 5, 0.1  # so it can do 50 a second

app = FastAPI()
pool = asyncio.Semaphore(POOL)


@app.get("/query")
async def query() -> str:
    async with pool:
        await asyncio.sleep(SECONDS)
    return "done"
