"""The app of task 2: it counts what it carries out, and some requests kill their worker.

A line in the file $CARRIED_OUT says that a handler has done its work; only then does the worker
die, or the reply go out. So a client that gets no reply cannot know, but the check can.
"""

import os
import signal
from pathlib import Path

from fastapi import FastAPI, Request

CARRIED_OUT = "CARRIED_OUT"
# How many workers a request kills before it is answered, by its method and key. The last one is
# answered some time, so that a client without a limit comes to an end.
KILLS = {("GET", "stock"): 2, ("POST", "order-2"): 1, ("GET", "poison"): 6}

app = FastAPI()


@app.api_route("/{key}", methods=["GET", "POST"])
def carry_out(request: Request, key: str) -> dict[str, str]:
    file, line = Path(os.environ[CARRIED_OUT]), f"{request.method} {key}\n"
    with file.open("a") as lines:
        lines.write(line)
    if file.read_text().count(line) <= KILLS.get((request.method, key), 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"key": key}
