"""What a setting does on a server: one probe for each setting, for any of the three servers.

A probe starts a server with the setting, looks at the running thing and says what it saw:

    acts            it does what its name says
    ignored         the server takes the setting, and nothing reads it
    no effect       the server takes note of it, and what it is set for does not come about
    not there       the server has no such option
    not measurable  this account or system cannot show it

docs/version-facts.md holds what they say of the pinned versions, and the slow tests compare.
"""

from collections.abc import Callable

from workerlab.server.server import end
from workerlab.server.settings import connections, logs, process, time_limits, workers
from workerlab.server.settings.kinds import (
    ACTS,
    ASGI,
    IGNORED,
    KINDS,
    NO_EFFECT,
    NOT_MEASURABLE,
    NOT_THERE,
    UVICORN,
    UVICORN_WORKER,
    Kind,
    NoSuchOption,
)

__all__ = [
    "ACTS",
    "ASGI",
    "IGNORED",
    "KINDS",
    "NOT_MEASURABLE",
    "NOT_THERE",
    "NO_EFFECT",
    "PROBES",
    "UVICORN",
    "UVICORN_WORKER",
    "Kind",
    "ask",
]

PROBES: dict[str, Callable[[Kind], str]] = {
    probe.__name__: probe
    for probe in (
        connections.bind,
        connections.backlog,
        connections.reuse_port,
        connections.worker_connections,
        connections.limit_request_line,
        connections.limit_request_fields,
        connections.forwarded_allow_ips,
        connections.forwarded_for,
        workers.workers,
        workers.web_concurrency,
        workers.threads,
        workers.max_requests,
        workers.preload,
        workers.reload,
        workers.worker_tmp_dir,
        time_limits.timeout,
        time_limits.held_gil,
        time_limits.graceful_timeout,
        time_limits.keepalive,
        logs.accesslog,
        logs.access_log_format,
        logs.errorlog,
        logs.loglevel,
        process.proc_name,
        process.daemon,
        process.pidfile,
        process.user,
        process.group,
        process.tmp_upload_dir,
        process.misspelt,
    )
}


def ask(setting: str, kind: Kind = UVICORN_WORKER) -> str:
    """What the probe of this setting says of this kind of server; its servers are ended."""
    try:
        return PROBES[setting](kind)
    except NoSuchOption:
        return NOT_THERE
    finally:
        for name in ("probe", "beside"):
            end(name, grace=0)
