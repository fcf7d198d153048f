"""The bank of answers to exercise 05: each wrong one has its own misconception."""

import asyncio
import json

import pytest
from fastapi import FastAPI

from tests.answers import CellFunction, Right, Wrong, judge
from workerlab.checks.ex05_who_gets_the_request.eight_app import TOGETHER, app_around
from workerlab.checks.ex05_who_gets_the_request.eight_order import judge_luck, may_be_luck
from workerlab.checks.ex05_who_gets_the_request.eight_seen import Seen, Work
from workerlab.checks.ex05_who_gets_the_request.tasks import check
from workerlab.checks.recording_proxy import Arrival
from workerlab.checks.runner import Result

pytestmark = pytest.mark.slow

IMBALANCE = """
from collections import Counter, defaultdict
def count(records, workers):
    return {w: sum(r["worker"] == w for r in records) for w in workers}
def share(records, workers):
    return {w: n / len(records) for w, n in count(records, workers).items()}
def seconds(records, workers):
    return {w: sum(r["ended"] - r["began"] for r in records if r["worker"] == w) for w in workers}
def total(records):
    return sum(r["ended"] - r["began"] for r in records)
def took(records):
    return max(r["ended"] for r in records) - min(r["began"] for r in records)
def ends(records):
    last = {}
    for r in records:
        last[r["worker"]] = max(last.get(r["worker"], 0), r["ended"])
    return list(last.values())
def mean(values):
    return sum(values) / len(values)
def lost(records, workers):
    return took(records) - total(records) / len(workers)
def imbalance(records, workers):
"""


def shares_are(expression: str) -> str:
    return f"{IMBALANCE}    return {expression}, lost(records, workers)\n"


def seconds_are(expression: str) -> str:
    return f"{IMBALANCE}    return share(records, workers), {expression}\n"


IMBALANCES = [
    Right(shares_are("share(records, workers)")),
    Right(
        "def imbalance(records, workers):\n"
        "    shares = dict.fromkeys(workers, 0)\n"
        "    work = 0\n"
        "    for record in records:\n"
        "        shares[record['worker']] += 1 / len(records)\n"
        "        work += record['ended'] - record['began']\n"
        "    began = sorted(record['began'] for record in records)\n"
        "    ended = sorted(record['ended'] for record in records)\n"
        "    return [shares, ended[-1] - (began[0] + work / len(workers))]\n"
    ),
    Right(
        "import numpy\nfrom collections import Counter\n"
        "async def imbalance(records, workers):\n"
        "    began, ended = (numpy.array([r[k] for r in records]) for k in ('began', 'ended'))\n"
        "    served = Counter(r['worker'] for r in records)\n"
        "    shares = {w: served[w] / served.total() for w in workers}\n"
        "    return shares, ended.max() - began.min() - (ended - began).sum() / len(workers)\n"
    ),
    Wrong(
        shares_are(
            "{w: n / len(records) for w, n in Counter(r['worker'] for r in records).items()}"
        ),
        "idle-left-out",
    ),
    Wrong(shares_are("count(records, workers)"), "counts-not-shares"),
    Wrong(shares_are("{w: 100 * s for w, s in share(records, workers).items()}"), "percentages"),
    Wrong(
        shares_are("{w: s / total(records) for w, s in seconds(records, workers).items()}"),
        "share-of-the-seconds",
    ),
    Wrong(
        shares_are(
            "{w: n / max(count(records, workers).values())"
            " for w, n in count(records, workers).items()}"
        ),
        "share-of-the-busiest",
    ),
    Wrong(
        shares_are("{w: s * len(workers) for w, s in share(records, workers).items()}"),
        "times-the-even-share",
    ),
    Wrong(shares_are("{w: 1 / len(workers) for w in workers}"), "says-it-is-even"),
    Wrong(shares_are("{w: 2.0 for w in workers}"), "other-shares"),
    Wrong(shares_are("list(share(records, workers).values())"), "whose-share-is-it"),
    Wrong(shares_are("{w: f'{s:.0%}' for w, s in share(records, workers).items()}"), "not-numbers"),
    Wrong(shares_are("{w: round(s, 2) for w, s in share(records, workers).items()}"), "rounded"),
    Wrong(seconds_are("took(records)"), "whole-time"),
    Wrong(seconds_are("total(records) / len(workers)"), "even-time"),
    Wrong(seconds_are("-lost(records, workers)"), "the-wrong-sign"),
    Wrong(
        seconds_are("max(r['ended'] for r in records) - total(records) / len(workers)"),
        "clock-not-begin",
    ),
    Wrong(
        seconds_are("took(records) - total(records) / len({r['worker'] for r in records})"),
        "idle-worker-forgotten",
    ),
    Wrong(seconds_are("took(records) - total(records)"), "not-spread"),
    Wrong(seconds_are("total(records) - total(records) / len(workers)"), "sum-not-last"),
    Wrong(
        seconds_are("max(seconds(records, workers).values()) - total(records) / len(workers)"),
        "busiest-not-last",
    ),
    Wrong(
        seconds_are(
            "max(seconds(records, workers).values())"
            " - mean([s for s in seconds(records, workers).values() if s])"
        ),
        "mean-of-the-busy",
    ),
    Wrong(seconds_are("max(ends(records)) - mean(ends(records))"), "mean-of-the-ends"),
    Wrong(seconds_are("max(ends(records)) - min(ends(records))"), "first-done-to-last-done"),
    Wrong(seconds_are("took(records) - total(records) / len(records)"), "mean-of-the-handlers"),
    Wrong(seconds_are("len(workers) * took(records) - total(records)"), "all-that-was-idle"),
    Wrong(seconds_are("took(records) / (total(records) / len(workers))"), "ratio-not-seconds"),
    Wrong(
        seconds_are("records[-1]['ended'] - records[0]['began'] - total(records) / len(workers)"),
        "order-of-the-list",
    ),
    Wrong(
        seconds_are(
            "max(r['began'] for r in records) - min(r['began'] for r in records)"
            " - total(records) / len(workers)"
        ),
        "last-begin",
    ),
    Wrong(
        seconds_are(
            "took(records) - -(-len(records) // len(workers)) * total(records) / len(records)"
        ),
        "whole-handlers",
    ),
    Wrong(seconds_are("float('nan')"), "other-seconds"),
    Wrong(f"{IMBALANCE}    return {{11: 0.5, 12: 0.5}}, 1.2\n", "fixed-answer"),
    Wrong(
        f"{IMBALANCE}    return lost(records, workers), share(records, workers)\n",
        "the-other-way-round",
    ),
    Wrong(f"{IMBALANCE}    return share(records, workers)\n", "not-both"),
    Wrong(f"{IMBALANCE}    share(records, workers), lost(records, workers)\n", "nothing-returned"),
    Wrong(f"{IMBALANCE}    return object(), 1\n", "objects"),
    Wrong(f"{IMBALANCE}    return records[1000]\n", "raises"),
    Wrong(f"{IMBALANCE}    return given, lost(records, workers)\n", "needs-another-cell"),
    Wrong(f"{IMBALANCE}    __import__('time').sleep(600)\n", "never-ends"),
    Wrong(f"{IMBALANCE}    raise SystemExit(2)\n", "ends-the-process"),
    Wrong("imbalance = ({}, 0)\n", "not-a-function"),
]

GUNICORN = (
    "gunicorn service:app --workers 4"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
SINGLE = "uvicorn service:app --port {port}"
CELL = f"""
import asyncio, os, time
import aiohttp
from fastapi import FastAPI
from workerlab import burst

commands = ["{GUNICORN}"]
app = FastAPI()


@app.get("/work")
async def work():
    time.sleep(1)
    return {{"worker": os.getpid()}}


async def ask(session, url):
    async with session.get(url) as response:
        return await response.json()
def replies(run):
    return [record.reply for record in run.records]
async def send_eight(urls):
"""


def client(*lines: str) -> str:
    return CELL + "".join(f"    {line}\n" for line in lines)


def quick(*lines: str) -> str:
    """The same, with one worker whose handler does not block."""
    return client(*lines).replace(GUNICORN, SINGLE).replace("time.sleep", "await asyncio.sleep")


def mended(old: str, new: str, source: str = "") -> str:
    source = source or ALL_AT_ONCE
    assert old in source
    return source.replace(old, new)


ALL_AT_ONCE = client("return replies(await burst(urls, 8))")
SESSION = "async with aiohttp.ClientSession() as session:"
PACED = client(
    SESSION,
    "    tasks = []",
    "    for number in range(8):",
    "        tasks.append(asyncio.create_task(ask(session, urls[0])))",
    "        await asyncio.sleep(0.06 if number != 3 else 0.95)",
    "    return await asyncio.gather(*tasks)",
)
EIGHTS = [
    # Pacing: upon beginnings, and by pauses.
    Right(client('return replies(await burst(urls, 8, after="began"))')),
    Right(PACED),
    Right(
        mended("gunicorn service:app --workers 4", "WEB_CONCURRENCY=4 gunicorn service:app", PACED)
    ),
    # Limits: four servers of one worker each.
    Right(
        mended(
            f'["{GUNICORN}"]', f'["{SINGLE}"] * 4', client("return replies(await burst(urls, 2))")
        )
    ),
    Right(
        mended(
            f'["{GUNICORN}"]',
            f'["{SINGLE}"] * 4',
            client(
                SESSION,
                "    return await asyncio.gather(*(ask(session, urls[n % 4]) for n in range(8)))",
            ),
        )
    ),
    # A kept-alive connection to each worker.
    Right(
        mended(
            "async def ask",
            '@app.get("/who")\nasync def who():\n    return {"worker": os.getpid()}\n\n\n'
            "async def ask",
            client(
                "of = {}",
                "while len(of) < 4:",
                "    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))",
                "    reply = await ask(session, urls[0].replace('/work', '/who'))",
                "    if of.setdefault(reply['worker'], session) is not session:",
                "        await session.close()",
                "return await asyncio.gather(*(ask(s, urls[0]) for s in [*of.values()] * 2))",
            ),
        )
    ),
    # A handler that does not block.
    Right(mended("    time.sleep(1)", "    await asyncio.sleep(1)")),
    Right(mended("async def work", "def work")),
    Right(
        mended("    time.sleep(1)", "    await asyncio.to_thread(time.sleep, 1)").replace(
            GUNICORN, SINGLE
        )
    ),
    Right(mended("async def work", "def work").replace("--bind", "--reuse-port --bind")),
    Wrong(client("return replies(await burst(urls, 8))"), "all-at-once"),
    Wrong(
        client(
            SESSION, "    return await asyncio.gather(*(ask(session, urls[0]) for _ in range(8)))"
        ),
        "all-at-once",
    ),
    Wrong(client('return replies(await burst(urls, 8, after="received"))'), "one-by-one"),
    Wrong(
        client(SESSION, "    return [await ask(session, urls[0]) for _ in range(8)]"),
        "one-connection",
    ),
    Wrong(
        client(
            "limit = asyncio.Semaphore(2)",
            "async def limited(session):",
            "    async with limit:",
            "        return await ask(session, urls[0])",
            SESSION,
            "    return await asyncio.gather(*(limited(session) for _ in range(8)))",
        ),
        "too-few-at-once",
    ),
    Wrong(
        client(
            "one, other = [await burst(urls, 4) for _ in range(2)]",
            "return replies(one) + replies(other)",
        ),
        "four-at-once-unpaced",
    ),
    Wrong(mended("0.06 if number != 3 else 0.95", "0.1", PACED), "queue-behind-the-busy"),
    Wrong(mended("0.06 if number != 3 else 0.95", "0.32", PACED), "too-far-apart"),
    Wrong(
        client('return replies(await burst(urls, 7, after="began"))'),
        "fewer-than-eight",
    ),
    Wrong(quick("return replies(await burst(urls, 9))"), "more-than-eight"),
    Wrong(mended("time.sleep(1)", "time.sleep(0.2)"), "shortened-work"),
    Wrong(mended("time.sleep(1)", "asyncio.create_task(asyncio.sleep(1))"), "shortened-work"),
    Wrong(
        mended("def work():", "def work(later: BackgroundTasks):")
        .replace("time.sleep(1)", "later.add_task(time.sleep, 1)")
        .replace("import FastAPI", "import BackgroundTasks, FastAPI"),
        "answered-before-done",
    ),
    Wrong(mended("--workers 4", "--workers 8"), "more-workers"),
    Wrong(mended(f'["{GUNICORN}"]', f'["{GUNICORN}"] * 2'), "more-workers"),
    Wrong(
        mended("gunicorn service:app --workers 4", "env WEB_CONCURRENCY=6 gunicorn service:app"),
        "more-workers",
    ),
    Wrong(mended(GUNICORN, SINGLE), "one-worker"),
    Wrong(mended("gunicorn service", "gunicron service"), "no-such-command"),
    Wrong(
        mended(GUNICORN, f"{SINGLE} --workers 4 --limit-concurrency 1"),
        "limit-on-requests",
    ),
    Wrong(
        mended("--worker-class uvicorn_worker.UvicornWorker", "--threads 4"),
        "worker-class-for-wsgi",
    ),
    Wrong(CELL.replace("commands =", "command =") + "    return []\n", "needs-another-cell"),
    Wrong(
        mended(
            f'["{GUNICORN}"]',
            f'["{SINGLE}"] * 4',
            client("return replies(await burst(urls[0], 8))"),
        ),
        "one-of-the-servers",
    ),
    Wrong(
        mended(
            "    time.sleep(1)", "    async with limit:\n        await asyncio.sleep(1)"
        ).replace("app =", "limit = asyncio.Semaphore(2)\napp ="),
        "limit-in-the-handler",
    ),
    Wrong(quick(SESSION, "    return [ask(session, urls[0]) for _ in range(8)]"), "no-request"),
    Wrong(quick("await burst(urls, 8)"), "nothing-returned"),
    Wrong(quick("return await burst(urls, 8)"), "not-the-replies"),
    Wrong(quick("return replies(await burst(urls, 8))[1:]"), "other-replies"),
    Wrong(
        quick(
            "session = aiohttp.ClientSession()",
            "tasks = [asyncio.create_task(ask(session, urls[0])) for _ in range(8)]",
            "await asyncio.sleep(0.3)",
            "return []",
        ),
        "not-waited-for",
    ),
    Wrong(mended('get("/work")', 'get("/works")'), "endpoint-missing"),
    Wrong(quick("return replies(await burst(urls[0].replace('/work', '/'), 8))"), "another-url"),
    Wrong(mended("service:app", "app.main:app"), "another-url"),
    Wrong(mended("time.sleep(1)", "os._exit(1)"), "ends-the-server"),
    Wrong(mended("time.sleep(1)", "await time.sleep(1)"), "awaits-a-value"),
    Wrong(mended("time.sleep(1)", "sleep(1)"), "needs-another-cell"),
    Wrong(
        mended(
            "app = FastAPI()", "app = FastAPI()\nif __name__ != '__main__':\n    import nowhere"
        ),
        "import-error",
    ),
    Wrong(
        mended(
            "app = FastAPI()",
            "app = FastAPI()\nif __name__ != '__main__':\n    __import__('time').sleep(600)",
        ),
        "never-comes-up",
    ),
    Wrong(mended("--workers 4", "--worker 4 --warp 9"), "does-not-start"),
    Wrong(mended("127.0.0.1", "0.0.0.0"), "open-to-the-network"),
    Wrong(mended(f'["{GUNICORN}"]', "[]"), "not-a-list"),
    Wrong(mended(f'["{GUNICORN}"]', "[4]"), "not-a-text"),
    Wrong(quick("time.sleep(600)"), "never-ends"),
    Wrong(quick("raise SystemExit(3)"), "ends-the-process"),
    Wrong(
        quick(
            "import subprocess",
            "for _ in range(30):",
            "    subprocess.Popen(['sleep', '600'], start_new_session=True)",
        ),
        "no-request",
    ),
    Wrong(quick("return urls[9]"), "raises"),
    Wrong("send_eight = 8\n", "not-a-function"),
]

TRUTH = {"a": False, "b": True, "c": True, "d": False}
STATEMENTS = [
    Right(TRUTH),
    Right(dict(d=False, c=True, b=True, a=False)),
    Right({letter: letter in "bc" for letter in "abcd"}),
    Wrong(TRUTH | {"a": True}, "master-deals-in-turn"),
    Wrong(TRUTH | {"b": False}, "blocked-worker-accepts"),
    Wrong(TRUTH | {"c": False}, "connection-wanders"),
    Wrong(TRUTH | {"d": True}, "kernel-knows-who-is-busy"),
    Wrong({letter: not truth for letter, truth in TRUTH.items()}, "master-deals-in-turn"),
    Wrong({"b": True, "c": True}, "not-these-four"),
    Wrong(TRUTH | {"b": "True"}, "not-true-or-false"),
    Wrong([False, True, True, False], "not-a-dict"),
]


@pytest.mark.parametrize("answer", IMBALANCES, ids=repr)
def test_imbalance(answer):
    judge(check, 1, answer, CellFunction("imbalance"))


@pytest.mark.parametrize("answer", EIGHTS, ids=repr)
def test_eight_on_four(answer):
    judge(check, 2, answer, CellFunction("send_eight"))


def in_time(
    *,
    pause: float = 0.0,
    is_first: bool = True,
    served_by: int = 4,
    at_once: int | None = None,
    together: float | None = None,
) -> Seen:
    """Eight requests of one second in 2.5 s, `served_by` of four workers.

    With `at_once`, a worker has all of its requests at once and lets so many of them run.
    `together` is what the check's own question has found.
    """
    works = []
    for number in range(8):
        sent = pause * number
        began = reached = sent + 0.04 + number // 4
        if at_once:
            reached, began = sent + 0.04, sent + 0.04 + number // served_by // at_once
        ended = began + 1
        works.append(
            Work(0, number, is_first, sent, ended, number % served_by, reached, ended, 0, 200)
        )
    returned = Result("returned", [[]])
    arrivals = [Arrival(work.connection, 1, work.arrived, work.answered) for work in works]
    return Seen(returned, works, arrivals, [list(range(4))], None, False, "", together)


def test_luck_is_told_from_pacing_from_pinning_and_from_not_blocking():
    verdict = judge_luck(in_time(), {})
    assert verdict is not None and verdict.misconception == "all-at-once"
    assert judge_luck(in_time(pause=0.06), {}) is None
    assert judge_luck(in_time(is_first=False), {}) is None
    assert judge_luck(in_time(served_by=2), {}) is None


def test_luck_is_seen_through_where_a_worker_limits_itself():
    verdict = judge_luck(in_time(served_by=2, at_once=2), {})
    assert verdict is not None and verdict.misconception == "limit-in-the-handler"
    assert judge_luck(in_time(served_by=2, at_once=4), {}) is None
    assert judge_luck(in_time(served_by=1, at_once=4), {}) is None
    assert judge_luck(in_time(served_by=2, at_once=2, is_first=False), {}) is None


def test_luck_is_seen_through_where_each_worker_got_no_more_than_it_lets_run():
    spread = {"served_by": 4, "at_once": 2}
    assert may_be_luck(in_time(**spread))
    assert not may_be_luck(in_time(**spread, is_first=False))
    assert not may_be_luck(in_time(served_by=2, at_once=4))
    assert judge_luck(in_time(**spread, together=1.1), {}) is None
    verdict = judge_luck(in_time(**spread, together=2.0), {})
    assert verdict is not None and verdict.misconception == "limit-in-the-handler"


@pytest.mark.parametrize(("limit", "at_once"), [(2, 2), (9, 4)])
def test_a_worker_tells_how_many_it_runs_at_once(limit, at_once):
    semaphore, running, peaks = asyncio.Semaphore(limit), [0], []
    app = FastAPI()

    @app.get("/work")
    async def work():
        async with semaphore:
            running[0] += 1
            peaks.append(running[0])
            await asyncio.sleep(0.1)
            running[0] -= 1

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": TOGETHER, "headers": [], "query_string": b""}
    asyncio.run(app_around(app)(scope, None, send))
    seconds = json.loads(sent[-1]["body"])["seconds"]
    assert len(peaks) == 4 and max(peaks) == at_once
    assert seconds >= 0.1 * 4 / at_once


@pytest.mark.parametrize("answer", STATEMENTS, ids=repr)
def test_statements(answer):
    judge(check, 3, answer)


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (1, CellFunction("imbalance")("def imbalance(records, workers):\n    ...\n")),
        (2, CellFunction("send_eight")(client("..."))),
        (3, dict.fromkeys("abcd", ...)),
        (3, TRUTH | {"d": ...}),
    ],
    ids=["task-1", "task-2", "task-3", "task-3-begun"],
)
def test_a_blank_is_not_attempted(task, answer):
    assert check.judge(task, answer).outcome == "not attempted"


def test_every_task_has_three_hints():
    assert [len(hints) for hints in check.hints.values()] == [3, 3, 3]
