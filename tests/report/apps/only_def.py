"""Nothing but plain `def`: all of it runs in the thread pool."""

import json
import os
import queue
import re
import threading
import time
import urllib.request

from fastapi import FastAPI

EXPECTED = {
    "GET /quick": "answers at once",
    "GET /sleeps": "waits in a thread",
    "GET /sleeps-briefly": "waits in a thread",
    "GET /calls": "waits in a thread",
    "GET /waits-for-a-queue": "waits in a thread",
    "GET /waits-for-an-event": "waits in a thread",
    "GET /python": "computes in a thread",
    "GET /python-briefly": "computes in a thread",
    "GET /reads-json": "keeps the GIL in a thread",
    "GET /sorts": "keeps the GIL in a thread",
    "GET /expression": "keeps the GIL in a thread",
    "GET /big-reply": "computes on the loop",
    "GET /sleeps-then-big-reply": "computes on the loop",
    "GET /item/{number}": "waits in a thread",
}
DONE_IN = {
    "GET /item/{number}": "item",
    "GET /big-reply": "",  # FastAPI encodes the reply: no line of it is the app's own
    "GET /sleeps-then-big-reply": "",
}
SLOW_SERVER = os.environ.get("SLOW_SERVER", "")  # answers after 150 ms
ROWS = [{"id": number, "tags": [str(number)] * 3} for number in range(15_000)]
TEXT = json.dumps(ROWS * 8)
NUMBERS = [(number * 7_919_777) % 1_000_003 for number in range(1_200_000)]

app = FastAPI()


@app.get("/quick")
def quick() -> int:
    return 1


@app.get("/sleeps")
def sleeps() -> int:
    time.sleep(0.25)
    return 1


@app.get("/sleeps-briefly")
def sleeps_briefly() -> int:
    time.sleep(0.035)
    return 1


@app.get("/calls")
def calls() -> int:
    with urllib.request.urlopen(SLOW_SERVER) as reply:
        return len(reply.read())


@app.get("/waits-for-a-queue")
def waits_for_a_queue() -> int:
    try:
        queue.Queue().get(timeout=0.1)
    except queue.Empty:
        pass
    return 1


@app.get("/waits-for-an-event")
def waits_for_an_event() -> int:
    threading.Event().wait(0.1)
    return 1


@app.get("/python")
def python() -> int:
    return sum(number % 7 for number in range(3_000_000))


@app.get("/python-briefly")
def python_briefly() -> int:
    end, total = time.thread_time() + 0.035, 0
    while time.thread_time() < end:
        total += sum(range(50))
    return total


@app.get("/reads-json")
def reads_json() -> int:
    return len(json.loads(TEXT))


@app.get("/sorts")
def sorts() -> int:
    return sorted(NUMBERS)[0]


@app.get("/expression")
def expression() -> int:
    re.match(r"(a+)+$", "a" * 22 + "b")
    return 1


@app.get("/big-reply")
def big_reply():
    return ROWS


@app.get("/sleeps-then-big-reply")
def sleeps_then_big_reply():
    time.sleep(0.05)
    return ROWS


@app.get("/item/{number}")
def item(number: int) -> int:
    time.sleep(0.08)
    return number
