"""Routers with dependencies, one inside another, and a mounted app."""

import asyncio
import time

from fastapi import APIRouter, Depends, FastAPI

EXPECTED = {
    "GET /api/items/{number}": "awaits",
    "GET /api/items/{number}/price": "blocks the loop",
    "GET /api/items/{number}/stock": "computes on the loop",
    "GET /api/reports/daily": "waits in a thread",
    "GET /api/reports/weekly": "blocks the loop",
    "GET /api/reports/monthly": "awaits",
    "GET /api/reports/both": "blocks the loop",
    "GET /api/reports/two-threads": "waits in a thread",
    "GET /shop/inside": "blocks the loop",
    "GET /shop/inside-thread": "waits in a thread",
}
PATHS = ["/shop/inside", "/shop/inside-thread"]  # the app's OpenAPI leaves mounted apps out
DONE_IN = {
    "GET /api/items/{number}/price": "__call__",
    "GET /api/items/{number}/stock": "__init__",
    "GET /api/reports/daily": "open_session",
    "GET /api/reports/weekly": "rates",
    "GET /api/reports/both": "rates",
    "GET /api/reports/two-threads": "open_session",
}


class Prices:
    """A dependency that is an object."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def __call__(self) -> int:
        time.sleep(self.seconds)
        return 1


class Stock:
    """A dependency that is a class: FastAPI calls it in a thread, so the handler makes it here."""

    def __init__(self) -> None:
        end = time.thread_time() + 0.12
        while time.thread_time() < end:
            sum(range(300))


async def session():
    await asyncio.sleep(0.05)
    yield 1
    await asyncio.sleep(0.05)


def open_session():
    time.sleep(0.06)
    yield 1
    time.sleep(0.06)


async def rates() -> int:
    time.sleep(0.09)
    return 2


items = APIRouter(prefix="/items/{number}", dependencies=[Depends(session)])


@items.get("")
async def item(number: int) -> int:
    return number


@items.get("/price")
async def price(number: int, one: int = Depends(Prices(0.12))) -> int:
    return number + one


@items.get("/stock")
async def stock(number: int) -> int:
    Stock()
    return number


reports = APIRouter(prefix="/reports")


@reports.get("/daily")
async def daily(one: int = Depends(open_session)) -> int:
    return one


@reports.get("/weekly")
def weekly(two: int = Depends(rates)) -> int:
    return two


@reports.get("/monthly", dependencies=[Depends(session)])
async def monthly() -> int:
    return 1


@reports.get("/both")
async def both(one: int = Depends(session), two: int = Depends(rates)) -> int:
    return one + two


@reports.get("/two-threads")
def two_threads(one: int = Depends(open_session)) -> int:
    time.sleep(0.03)
    return one


api = APIRouter(prefix="/api")
api.include_router(items)
api.include_router(reports)

shop = FastAPI()


@shop.get("/inside")
async def inside() -> int:
    time.sleep(0.07)
    return 1


@shop.get("/inside-thread")
def inside_thread() -> int:
    time.sleep(0.07)
    return 1


app = FastAPI()
app.include_router(api)
app.mount("/shop", shop)
