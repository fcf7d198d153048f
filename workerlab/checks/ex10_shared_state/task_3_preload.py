"""Exercise 10, task 3: an app that is preloaded, and whose workers each have their own connection.

The check's store knows over which connection an item was asked for, and the kit which worker did
it. So it needs no answers that are mixed up, which only chance would bring about.
"""

from collections import defaultdict
from itertools import islice
from typing import Any

from workerlab.checks.answer import source_of
from workerlab.checks.app import Reply, Seen, refuse_no_reply, serving
from workerlab.checks.ex10_shared_state.store import ITEMS, NAMES, STOCK, open_store
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record

HINTS = [
    "With --preload, which process imports the cell, and how often? What do the workers inherit "
    "from it: a connection each, or the same one?",
    "Which code of an app runs in each worker, after the fork and before its first request?",
    "app.state.store = connect() in a lifespan, before its yield, and app.state.store.get(item) in "
    "the handler. The catalogue stays where it is.",
]
WORKERS, TOGETHER, LATER = 3, 18, 6
COMMAND = (
    f"gunicorn {{module}}:app --preload --workers {WORKERS}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
RAN = f"gunicorn cell:app --preload --workers {WORKERS}, and GET /stock?item=... in each worker"
EXPECTED = "the catalogue is loaded once, and each worker has one connection of its own"
# The misconceptions: a sentence and a question.
MISTAKES = {
    "shared-connection": (
        "Workers ask over the same connection. Who asks at the same moment may get the other's "
        "answer.",
        "Which process opened that connection, and when: before the fork, or after it?",
    ),
    "loaded-in-each-worker": (
        "The catalogue is loaded again and again: nothing of it is shared any more.",
        "Which lines have to run in each worker, and which one had better run in the master?",
    ),
    "another-reply": (
        "A reply is not what the app is to return.",
        "What does the store say about this item, and the catalogue?",
    ),
    "one-for-each-request": (
        "Each request opens another connection.",
        "How long does your connection live, and who could use it again?",
    ),
}


def check(stock: Any) -> Verdict:
    """Serve the cell with --preload, ask all workers, and look at who asked the store how."""
    refuse_no_function(stock)
    with open_store() as (port, asked):
        options = {"command": COMMAND, "env": {"STORE": str(port)}, "probe": True}
        with serving(source_of(stock), "cell", **options) as server:
            server.wait_for_workers(WORKERS, timeout=patience(6.0))
            items, records, users = iter(ITEMS), [], defaultdict(set)
            while len({record.worker for record in records}) < WORKERS:
                if len(more := list(islice(items, TOGETHER))) < TOGETHER:
                    return too_busy(f"not all of {WORKERS} workers took part")
                records += _ask(server.url, more)
            for record in records:
                for connection in asked[_item(record)]:
                    users[connection].add(record.worker)
            most = max(map(len, users.values()), default=0)
            told = f"{len(users)} connections, each used by {most} of the workers at most"
            if most > 1:
                return _mistake("shared-connection", told)
            later = _ask(server.url, ITEMS[-LATER:], after="received")
            log = server.log
    records += later
    replies = [Reply("/stock", r.status, error=r.error or "") for r in records]
    refuse_no_reply(Seen(replies, log=log), ran=RAN)
    for record in records:
        item = _item(record)
        if record.reply != {"name": NAMES[item], "stock": STOCK[item]}:
            return _mistake("another-reply", f"/stock?item={item}: {record.reply!r:.100}")
    loads = len(asked["catalogue"])
    told = f"the catalogue was loaded {loads} x, and {told}"
    if not any(connection in users for record in later for connection in asked[_item(record)]):
        return _mistake("one-for-each-request", told)
    if loads > 1:
        return _mistake("loaded-in-each-worker", told)
    return right("preloaded, and no worker shares its connection.", RAN, told)


def _ask(url: str, items: list[str], **options: Any) -> list[Record]:
    urls = [f"{url}/stock?item={item}" for item in items]
    return run_coroutine(burst(urls, timeout=patience(4.0), **options)).records


def _item(record: Record) -> str:
    return record.url.rpartition("=")[2]


def _mistake(name: str, told: str) -> Verdict:
    return wrong(name, *MISTAKES[name], ran=RAN, came_back=told, expected=EXPECTED)
