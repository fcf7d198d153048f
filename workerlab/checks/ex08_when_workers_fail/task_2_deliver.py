"""Exercise 08, task 2: a client that brings GETs home while workers die, and POSTs at most once.

The requests are sent one after another and the app decides which of them kill their worker, each
after its work is done. So nothing is lost but what a handler's own kill costs.
"""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from workerlab.checks.answer import name_of, source_of
from workerlab.checks.command import launched
from workerlab.checks.ex08_when_workers_fail.counting_app import CARRIED_OUT, KILLS
from workerlab.checks.ex08_when_workers_fail.delivering import LOST, REQUESTS
from workerlab.checks.function import did_not_return, refuse_no_function
from workerlab.checks.runner import call_source
from workerlab.checks.verdicts import Verdict, right, wrong

HINTS = [
    "When the connection breaks before a reply has come, what do you know about the work? For "
    "which method does it do no harm to do it again?",
    "What does session.request raise when the server hangs up? Which loop gives up after a "
    "certain number of times?",
    'A loop over range(3): in it, try: async with session.request(...) and return its status; '
    'except aiohttp.ClientError: if method == "POST", return None. After the loop, return None.',
]
ATTEMPTS = 3  # at a GET, in all
# Preloaded, so that a new worker is there at once: it is forked, and imports nothing.
COMMAND = (
    "gunicorn workerlab.checks.ex08_when_workers_fail.counting_app:app --workers 2 --preload"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
CALLER = """

async def deliver_all_of_them(url):
    from workerlab.checks.ex08_when_workers_fail.delivering import deliver_all

    return await deliver_all({name}, url)
"""
# What was sent how often, and what the function made of it: the misconception, a sentence and a
# question. The first row that fits one of the requests is told.
MISTAKES = [
    (
        lambda method, kills, sent, said: method == "POST" and sent > 1,
        "post-twice",
        "A POST was carried out more than once.",
        "When no reply comes, was the order placed or not? Who pays if it is placed again?",
    ),
    (
        lambda method, kills, sent, said: not sent,
        "not-sent",
        "A request never arrived.",
        "Which method and which url does your function use, and does it use them for all?",
    ),
    (
        lambda method, kills, sent, said: sent > ATTEMPTS,
        "too-often",
        f"A GET that kills every worker was sent more than {ATTEMPTS} times.",
        "How many workers may one request take down before you give up?",
    ),
    (
        lambda method, kills, sent, said: sent > kills + 1,
        "again-though-answered",
        "A request was sent again although its reply had come.",
        "What ends the loop when a reply is there?",
    ),
    (
        lambda method, kills, sent, said: method == "GET" and sent < min(kills + 1, ATTEMPTS),
        "given-up-too-early",
        "A GET was lost that one more attempt would have brought home.",
        f"How often was it sent, and how often may a GET be sent? It is {ATTEMPTS} times in all.",
    ),
    (
        lambda method, kills, sent, said: sent <= kills and str(said).startswith(LOST),
        "raises-instead",
        "Your function raises where it should return None.",
        "What does your function do with the last error?",
    ),
    (
        lambda method, kills, sent, said: sent <= kills and said is not None,
        "made-up-status",
        "Your function returns something for a request that never got a reply.",
        "Where does this value come from?",
    ),
    (
        lambda method, kills, sent, said: sent > kills and (type(said) is not int or said != 200),
        "not-the-status",
        "A reply came, and your function doesn't return its status.",
        "What is response.status, and which line returns it?",
    ),
]


def check(deliver: Any) -> Verdict:
    """Deliver some requests with the function, and compare what it says with what was done."""
    refuse_no_function(deliver)
    name = name_of(deliver)
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        file = Path(folder, "carried_out")
        file.touch()
        with launched(COMMAND, env={CARRIED_OUT: str(file)}) as server:
            source = source_of(deliver) + CALLER.replace("{name}", name)
            result = call_source(source, "deliver_all_of_them", [[server.url]])
        counts = Counter(file.read_text().splitlines())
    ran = f"{name}(session, method, url), for {len(REQUESTS)} requests, some of which kill a worker"
    if result.kind in ("too long", "exited", "raised"):
        return did_not_return(result, ran)
    said_of = dict(zip(REQUESTS, result.value[0], strict=True)) if result.kind == "returned" else {}
    told = {}
    for method, key in REQUESTS:
        said, sent = said_of.get((method, key), "an object"), counts[f"{method} {key}"]
        told[method, key] = f"{method} /{key}: sent {sent} x, {name} returned {said!r:.60}"
    for fits, misconception, sentence, question in MISTAKES:
        for method, key in REQUESTS:
            said, sent = said_of.get((method, key), object()), counts[f"{method} {key}"]
            if fits(method, KILLS.get((method, key), 0), sent, said):
                return wrong(
                    misconception,
                    sentence,
                    question,
                    ran=ran,
                    came_back=told[method, key],
                    expected=_expected(method, KILLS.get((method, key), 0)),
                )
    sentence = "every GET came home that could, and no POST was carried out twice."
    return right(sentence, ran, "\n".join(told.values()))


def _expected(method: str, kills: int) -> str:
    most = 1 if method == "POST" else ATTEMPTS
    times = f"sent {min(kills + 1, most)} x, and "
    return times + ("None" if kills >= most else "200")
