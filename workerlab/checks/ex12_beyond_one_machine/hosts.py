"""Hosts of one worker each, on ports of this machine, and an nginx in front of them."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from workerlab.checks.command import launched
from workerlab.checks.ex12_beyond_one_machine.host_app import NAME
from workerlab.checks.verdicts import Refused, could_not_check, too_busy, wrong
from workerlab.proxy import NO_NGINX, nginx_path, start_nginx
from workerlab.server import Server
from workerlab.server.start_errors import ServerDidNotStart, log_in

HOST = (
    "uvicorn workerlab.checks.ex12_beyond_one_machine.host_app:app --port {port}"
    " --log-level warning --timeout-graceful-shutdown 1"
)


@contextmanager
def hosts(*names: str) -> Iterator[list[Server]]:
    """A running host of each name. Raises Refused where one does not start."""
    with ExitStack() as stack:
        yield [stack.enter_context(launched(HOST, name=n, env={NAME: n})) for n in names]


@contextmanager
def nginx(part: str, ports: dict[str, int]) -> Iterator[Server]:
    """An nginx with this part of a configuration, in which `{a}` is the port of that name.

    Raises Refused where there is no nginx, or it does not take the configuration.
    """
    if nginx_path() is None:
        raise Refused(could_not_check(NO_NGINX))
    for name, port in ports.items():
        part = part.replace(f"{{{name}}}", str(port))
    try:
        server = start_nginx(part, log_level="notice")
    except ServerDidNotStart as error:
        raise Refused(_did_not_start(log_in(str(error)))) from None
    try:
        yield server
    finally:
        server.stop(grace=0)


def _did_not_start(log: str):
    said = re.findall(r"\[emerg\] (?:\d+#\d+: )?(.*?)(?: in \S+)?$", log, re.MULTILINE)
    if not said:
        return too_busy("nginx did not start in time")
    return wrong(
        "not-accepted",
        "nginx doesn't accept this configuration.",
        "Which of your lines does this message mean, and does each directive end with a semicolon?",
        ran="nginx -c nginx.conf",
        came_back=said[-1],
    )
