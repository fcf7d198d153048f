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
from workerlab.checks.ex08_when_workers_fail.delivering import REQUESTS
from workerlab.checks.function import did_not_return, refuse_no_function
from workerlab.checks.runner import call_source
from workerlab.checks.verdicts import Verdict, right, wrong

HINTS = [
    "When the connection breaks before a reply has come, what do you know about the work? For "
    "which method does it do no harm to do it again?",
    "What does session.request raise when the server hangs up? Which loop gives up after a "
    "certain number of times?",
    "A loop over range(3): in it, try: async with session.request(...) and return its status; "
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
# The misconceptions, the first that fits comes first: a sentence and a question.
MISTAKES = {
    "post-twice": (
        "A POST was carried out more than once.",
        "When no reply comes, was the order placed or not? Who pays if it is placed again?",
    ),
    "not-sent": (
        "A request never arrived.",
        "Which method and which url does your function use, and does it use them for all?",
    ),
    "too-often": (
        f"A GET was sent again after its reply, or more than {ATTEMPTS} times.",
        "What ends the loop? How many workers may one request take down?",
    ),
    "given-up-too-early": (
        "A GET was lost that one more attempt would have brought home.",
        "How often was it sent, and how often in all may a GET be sent?",
    ),
    "not-what-came": (
        "Your function doesn't return what came: the status of the reply, or None without one.",
        "What is response.status, and what does your function do after its last attempt?",
    ),
}


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
    values = result.value[0] if result.kind == "returned" else ["an object"] * len(REQUESTS)
    told, found = [], {}
    for (method, key), said in zip(REQUESTS, values, strict=True):
        kills, sent = KILLS.get((method, key), 0), counts[f"{method} {key}"]
        told.append(f"{method} /{key}: sent {sent} x, {name} returned {said!r:.60}")
        most = 1 if method == "POST" else ATTEMPTS
        should, came = min(kills + 1, most), None if kills >= most else 200
        if mistake := _mistake(method, sent, should, said == came):
            expected = f"sent {should} x, and {came}"
            found.setdefault(mistake, {"came_back": told[-1], "expected": expected})
    for mistake in MISTAKES:
        if mistake in found:
            return wrong(mistake, *MISTAKES[mistake], ran=ran, **found[mistake])
    sentence = "every GET came home that could, and no POST was carried out twice."
    return right(sentence, ran, "\n".join(told))


def _mistake(method: str, sent: int, should: int, is_told: bool) -> str | None:
    """The id of what is wrong with a request that should have been `sent` so many times."""
    if method == "POST" and sent > 1:
        return "post-twice"
    if sent == 0:
        return "not-sent"
    if sent != should:
        return "too-often" if sent > should else "given-up-too-early"
    return None if is_told else "not-what-came"
