"""Send several requests at once to a server on this machine, and say how long they took.

python app/concurrent_requests.py
python app/concurrent_requests.py --requests 8 "http://127.0.0.1:8000/slow?seconds=1"
"""

import argparse
import asyncio
import ipaddress
import sys
import time
from urllib.parse import urlsplit

import aiohttp


async def fetch(session: aiohttp.ClientSession, url: str, number: int) -> bool:
    """Send one request, print its line, and say whether it was answered with 200."""
    began = time.perf_counter()
    try:
        async with session.get(url) as response:
            reply = await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        print(f"request {number}: {type(error).__name__} after {elapsed(began)}: {error}")
        return False
    print(f"request {number}: {response.status} after {elapsed(began)}: {reply[:100]}")
    return response.status == 200


def elapsed(began: float) -> str:
    return f"{time.perf_counter() - began:.2f} s"


async def main(url: str, requests: int, timeout: float) -> bool:
    # A limit of 0 lifts aiohttp's own ceiling of 100 connections at a time.
    connector = aiohttp.TCPConnector(limit=0)
    limits = aiohttp.ClientTimeout(total=timeout)
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        # Without this, aiohttp sends a GET again when the server hangs up: a lost request would
        # not be seen. There is no public switch in this release; tests/test_app.py watches that
        # this one works.
        session._retry_connection = False
        answered = await asyncio.gather(*(fetch(session, url, n + 1) for n in range(requests)))
    print(f"{sum(answered)} of {requests} answered with 200 in {elapsed(began)} in all")
    return all(answered)


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000/slow", type=loopback_url)
    parser.add_argument("--requests", default=8, type=number_of_requests, help="default: 8")
    parser.add_argument("--timeout", default=60.0, type=float, help="seconds; default: 60")
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.url, given.requests, given.timeout)) else 1)
