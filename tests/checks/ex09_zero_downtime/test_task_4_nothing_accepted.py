"""The bank of exercise 09, task 4: nothing accepted is lost on TERM."""

from tests.answers import Right, Wrong, bank, judge, run_cell
from workerlab.checks.ex09_zero_downtime import check

CELL = """
import asyncio, threading
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

graceful_timeout = {seconds}
tasks = set()

@asynccontextmanager
async def lifespan(app):
    yield
    {end}

app = FastAPI(lifespan=lifespan)

async def send_receipt(number):
    print(f"receipt {{number}} begins", flush=True)
    await asyncio.sleep(2)
    print(f"receipt {{number}} is out", flush=True)

@app.post("/orders")
async def order(number: int, background: BackgroundTasks):
    {line}
    return {{"accepted": number}}
"""


def cell(line: str, seconds: object = 4, end: str = "pass") -> str:
    return CELL.format(line=line, seconds=seconds, end=end)


ADD = "background.add_task(send_receipt, number)"
TASK = "tasks.add(asyncio.create_task(send_receipt(number)))"
THREAD = "threading.Thread(target=asyncio.run, args=[send_receipt(number)], daemon={}).start()"


@bank(
    Wrong(cell(ADD, 1), "shorter-than-the-work"),
    Right(cell(ADD)),
    Right(cell(TASK, 9, "await asyncio.gather(*tasks)")),
    Right(
        cell(
            'return JSONResponse({"accepted": number},'
            " background=BackgroundTask(send_receipt, number))",
            5,
        )
    ),
    Wrong(cell(ADD, 2), "shorter-than-the-work"),
    Wrong(cell(ADD, 30), "longer-than-the-platform"),
    Wrong(cell(ADD, "'5s'"), "no-number-of-seconds"),
    Wrong(cell(TASK), "dies-with-the-loop"),
    Wrong(cell("asyncio.create_task(send_receipt(number))"), "dies-with-the-loop"),
    Wrong(cell(THREAD.format(True)), "dies-with-the-loop"),
    Wrong(cell("await send_receipt(number)"), "reply-waits"),
    Wrong(cell("background.add_task(send_receipt(number))"), "not-awaited"),
    Wrong(cell("background.add_task(send_receipt)"), "nobody-sends"),
    Wrong(cell("pass"), "nobody-sends"),
    Wrong(cell(ADD).replace("/orders", "/order"), "endpoint-missing"),
)
def test_task_4(case):
    def make(source):
        names = run_cell(source)
        return [names["order"], names["graceful_timeout"]]

    judge(check, 4, case, make)
