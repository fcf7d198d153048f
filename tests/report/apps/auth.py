"""Every endpoint asks for a token, checked by a dependency of the whole app."""

import asyncio
import time
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

EXPECTED = {
    "GET /me": "awaits",
    "GET /reports": "blocks the loop",
    "GET /export": "waits in a thread",
    "GET /totals": "computes on the loop",
}
HEADERS = {"Authorization": "Bearer right"}
bearer = HTTPBearer()


async def user(given: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    await asyncio.sleep(0.01)
    if given.credentials != "right":
        raise HTTPException(403)
    return "reader"


app = FastAPI(dependencies=[Depends(user)])


@app.get("/me")
async def me() -> int:
    await asyncio.sleep(0.08)
    return 1


@app.get("/reports")
async def reports() -> int:
    time.sleep(0.04)
    return 1


@app.get("/export")
def export() -> int:
    time.sleep(0.04)
    return 1


@app.get("/totals")
async def totals() -> int:
    return sum(number % 7 for number in range(2_000_000))


@app.get("/logout")
async def logout() -> int:
    return 1
