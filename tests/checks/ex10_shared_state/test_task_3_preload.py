"""The bank of exercise 10, task 3: preloaded, and a connection for each worker."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex10_shared_state import check

CELL = """
import os, threading
from contextlib import asynccontextmanager
from functools import cache
from fastapi import FastAPI
from workerlab.checks.ex10_shared_state.store import Store, load_catalogue

{load}
{connect}

@asynccontextmanager
async def lifespan(app):
    {begin}
    yield

app = FastAPI(lifespan=lifespan)

@app.get("/stock")
def stock(item: str):
    return {{"name": catalogue[item], "stock": {asked}}}
"""
LOAD = "catalogue = load_catalogue()"
AT_IMPORT = "store = Store()"


def cell(
    connect: str = "", begin: str = "pass", asked: str = "store.get(item)", load: str = LOAD
) -> str:
    return CELL.format(load=load, connect=connect, begin=begin, asked=asked)


BEGIN = "app.state.store = Store()"
ASKED = "app.state.store.get(item)"


@bank(
    Wrong("stock = 1\n", "not-a-function"),
    Right(cell("", BEGIN, ASKED)),
    Right(cell("@cache\ndef of(pid):\n    return Store()\n", asked="of(os.getpid()).get(item)")),
    Right(
        cell(
            f"{AT_IMPORT}\n\ndef again():\n    global store\n    store = Store()\n\n"
            "os.register_at_fork(after_in_child=again)\n"
        )
    ),
    Right(cell("store = None", "global store; store = Store()")),
    Right(cell(AT_IMPORT, "store.close(); store.__init__()")),
    Wrong(cell(AT_IMPORT), "shared-connection"),
    Wrong(
        cell("@cache\ndef of():\n    return Store()\n\nof()", asked="of().get(item)"),
        "shared-connection",
    ),
    Wrong(
        cell(
            f"lock = threading.Lock()\n{AT_IMPORT}\n\ndef ask(item):\n    with lock:\n"
            "        return store.get(item)\n",
            asked="ask(item)",
        ),
        "shared-connection",
    ),
    Wrong(cell(AT_IMPORT, "app.state.store = store", ASKED), "shared-connection"),
    # A connection for each worker, but opened at import: nobody knows which of them is whose.
    Wrong(
        cell(
            "import random\nstores = [Store() for _ in range(3)]",
            asked="random.choice(stores).get(item)",
        ),
        "shared-connection",
    ),
    Wrong(cell(asked="Store().get(item)"), "one-for-each-request"),
    Wrong(
        cell("", f"global catalogue; catalogue = load_catalogue(); {BEGIN}", ASKED, ""),
        "loaded-in-each-worker",
    ),
    Wrong(
        cell("", BEGIN, ASKED, "").replace("catalogue[item]", "load_catalogue()[item]"),
        "loaded-in-each-worker",
    ),
    Wrong(cell("", BEGIN, f"str({ASKED})"), "another-reply"),
    Wrong(cell("", BEGIN, "1000"), "another-reply"),
    Wrong(cell("", "pass", ASKED), "raises"),
    Wrong(cell("", BEGIN, "store.get(item)"), "needs-another-cell"),
    Wrong(cell("", BEGIN, ASKED).replace('"/stock"', '"/stocks"'), "endpoint-missing"),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("stock"))
