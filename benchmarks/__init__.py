"""What the kit costs, measured: see run.py."""

from urllib.request import ProxyHandler, build_opener


def answers(url: str) -> bool:
    try:
        build_opener(ProxyHandler({})).open(url, timeout=1).close()
    except OSError:
        return False
    return True
