"""Three endpoints, one of each common kind: what a server is tried with by hand.

Only what FastAPI 0.70 knows too, and a `__main__` that starts the server itself, at every address.
"""

import asyncio
import time

from fastapi import FastAPI

app = FastAPI()

EXPECTED = {
    "GET /blocks": "blocks the loop",
    "GET /awaits": "awaits",
    "GET /thread": "waits in a thread",
}


@app.get("/blocks")
async def blocks():
    time.sleep(0.2)
    return 1


@app.get("/awaits")
async def awaits():
    await asyncio.sleep(0.2)
    return 1


@app.get("/thread")
def thread():
    time.sleep(0.2)
    return 1


if __name__ == "__main__":
    import uvicorn

    uvicorn.run("three:app", host="0.0.0.0", workers=2)
