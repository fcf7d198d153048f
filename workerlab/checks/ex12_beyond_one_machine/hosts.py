"""Hosts of one worker each, on ports of this machine, and an nginx in front of them."""

import grp
import os
import pwd
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from workerlab.checks.command import launched
from workerlab.checks.ex12_beyond_one_machine.host_app import NAME
from workerlab.checks.verdicts import Refused, could_not_check, too_busy, wrong
from workerlab.proxy import NO_NGINX, nginx_path
from workerlab.server import Server
from workerlab.server.start_errors import ServerDidNotStart, log_in

HOST = (
    "uvicorn workerlab.checks.ex12_beyond_one_machine.host_app:app --port {port}"
    " --log-level warning --timeout-graceful-shutdown 1"
)
# Around the reader's part. One worker, so that hosts are asked in an order; nothing but the folder
# is written to.
AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {}
http {
access_log off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
READERS
}
"""
FILE = "nginx.conf"


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
    path = nginx_path()
    if path is None:
        raise Refused(could_not_check(NO_NGINX))
    for name, port in ports.items():
        part = part.replace(f"{{{name}}}", str(port))
    text = AROUND.replace("READERS", part)
    if os.geteuid() == 0:  # its worker would be a user who may not read the folder
        text = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};{text}"
    command = f"{shlex.quote(path)} -p {{folder}} -c {{folder}}/{FILE}"
    try:
        server = Server(command, name="nginx", ready="tcp", files={FILE: text})
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
        "Which line does its message mean, and does each directive end with a semicolon?",
        ran="nginx -c nginx.conf",
        came_back=said[-1],
    )
