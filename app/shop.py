"""A small app that reports nothing about itself: lesson 13 looks at it from outside."""

import asyncio
import time
from typing import Annotated

from fastapi import Depends, FastAPI

app = FastAPI(title="Shop")
PRODUCTS = [{"id": n, "name": f"product {n}", "price": n / 100} for n in range(20_000)]


@app.get("/products")
def products():
    return PRODUCTS


def session() -> str:
    time.sleep(0.2)  # stands in for a database driver without async
    return "session"


@app.get("/orders")
async def orders(session: Annotated[str, Depends(session)]):
    await asyncio.sleep(0.1)
    return []


async def current_user() -> str:
    time.sleep(0.2)  # the same driver
    return "Ada"


@app.get("/profile")
async def profile(user: Annotated[str, Depends(current_user)]):
    await asyncio.sleep(0.1)
    return {"name": user}
