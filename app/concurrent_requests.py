"""Send several requests at once to a server on this machine, and say who answered, and when.

python app/concurrent_requests.py
python app/concurrent_requests.py --requests 4 "http://127.0.0.1:8000/slow?seconds=1"
python app/concurrent_requests.py --requests 4 --pause 0.2 "http://127.0.0.1:8000/slow?seconds=1"

A total time alone doesn't show which worker did what, so each line names the worker that answered.
Nothing is sent twice: a request that gets lost is shown as lost.
"""

import argparse
import asyncio
import ipaddress
import json
import sys
import time
from urllib.parse import urlsplit

import aiohttp


async def fetch(session: aiohttp.ClientSession, url: str, number: int) -> str | None:
    """Send one request and print its line; return who answered with 200, or None."""
    began = time.perf_counter()
    try:
        async with session.get(url) as response:
            reply = await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        print(f"request {number}: {type(error).__name__} after {elapsed(began)}: {error}")
        return None
    who = worker(reply)
    print(f"request {number}: {response.status} after {elapsed(began)}: {who or reply[:100]}")
    return who if response.status == 200 else None


def worker(reply: str) -> str:
    """The worker that a reply names, as `worker 4711`; an empty text if it names none."""
    try:
        return f"worker {json.loads(reply)['worker_pid']}"
    except (ValueError, TypeError, LookupError):
        return ""


def elapsed(began: float) -> str:
    return f"{time.perf_counter() - began:.2f} s"


async def main(url: str, requests: int, pause: float, timeout: float) -> bool:
    # limit=0 lifts aiohttp's ceiling of 100 connections; force_close gives each request its own.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    limits = aiohttp.ClientTimeout(total=timeout)
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        # Without this, aiohttp sends a GET again when the server hangs up: a lost request would
        # not be seen. There is no public switch in this release; tests/test_app.py watches that
        # this one works.
        session._retry_connection = False
        tasks = []
        for number in range(1, requests + 1):
            tasks.append(asyncio.create_task(fetch(session, url, number)))
            if pause and number < requests:
                await asyncio.sleep(pause)
        answers = [who for who in await asyncio.gather(*tasks) if who is not None]
    workers = len(set(answers) - {""})
    by = f", by {workers} {'worker' if workers == 1 else 'workers'}" if workers else ""
    print(f"{len(answers)} of {requests} answered with 200 in {elapsed(began)} in all{by}")
    return len(answers) == requests


def loopback_url(text: str) -> str:
    host = urlsplit(text).hostname or ""
    try:
        on_this_machine = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        on_this_machine = False
    if urlsplit(text).scheme != "http" or not on_this_machine:
        raise argparse.ArgumentTypeError("give an http:// URL on this machine, as 127.0.0.1")
    return text


def number_of_requests(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("give a whole number from 1 to 1000")
    return int(text)


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 60:
        raise argparse.ArgumentTypeError("give a number of seconds from 0 to 60")
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000/slow", type=loopback_url)
    parser.add_argument("--requests", default=8, type=number_of_requests, help="default: 8")
    parser.add_argument(
        "--pause", default=0.0, type=seconds, help="seconds between two requests; default: 0"
    )
    parser.add_argument("--timeout", default=60.0, type=float, help="seconds; default: 60")
    given = parser.parse_args()
    done = asyncio.run(main(given.url, given.requests, given.pause, given.timeout))
    sys.exit(0 if done else 1)
