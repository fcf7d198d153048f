"""The reader's function of task 2 in each worker, slowed, and asked by the check.

A worker listens on the Unix socket PID.sock in its folder. What it receives are the numbers of
periods; what it sends is what `may_run` returned, or a text that begins with `raised`.
"""

import asyncio
import inspect
import os
import threading
from multiprocessing.connection import Connection, Listener
from typing import Any

from fastapi import FastAPI

from workerlab.checks.ex10_shared_state.slowed import slowed_cell

may_run = slowed_cell("may_run", 0.01).may_run
app = FastAPI()


async def _called(period: int) -> Any:
    result = may_run(period)
    return await result if inspect.isawaitable(result) else result


def _answer(connection: Connection) -> None:
    while True:
        try:
            result = asyncio.run(_called(connection.recv()))
        except EOFError:
            return
        except Exception as error:
            result = f"raised {type(error).__name__}: {error}"
        connection.send(result if type(result) in (bool, str) else f"a {type(result).__name__}")


def _listen(listener: Listener) -> None:
    while True:
        _answer(listener.accept())


threading.Thread(target=_listen, args=[Listener(f"{os.getpid()}.sock")], daemon=True).start()
