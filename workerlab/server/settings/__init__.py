"""What a setting or a signal does on a server: one trial for each, for any of the three servers.

A trial (a probe, below) starts a server, looks at the running thing and says what it saw:

    acts            it does what its name says
    ignored         the server takes the setting, and nothing reads it
    no effect       the server takes note of it, and what it is set for does not come about
    differs         something else happens than the trial asks for
    not there       the server has no such option
    not measurable  this account or system cannot show it

docs/version-facts.md holds what they say of the pinned versions, and the slow tests compare.
"""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from workerlab.server.server import end
from workerlab.server.settings import (
    connections,
    failures,
    logs,
    process,
    signals,
    time_limits,
    workers,
)
from workerlab.server.settings.kinds import (
    ACTS,
    ASGI,
    DIFFERS,
    IGNORED,
    KINDS,
    NO_EFFECT,
    NOT_MEASURABLE,
    NOT_THERE,
    UVICORN,
    UVICORN_WORKER,
    Kind,
    NoSuchOption,
    begin_trial,
    name_in_trial,
)
from workerlab.status import status

__all__ = [
    "ACTS",
    "ASGI",
    "DIFFERS",
    "IGNORED",
    "KINDS",
    "NOT_MEASURABLE",
    "NOT_THERE",
    "NO_EFFECT",
    "TRIALS",
    "UVICORN",
    "UVICORN_WORKER",
    "Kind",
    "ask",
    "fill",
    "table",
]

SIDE_BY_SIDE = 12  # trials: they wait more than they compute
_numbers = itertools.count()

TRIALS: dict[str, Callable[[Kind], str]] = {
    probe.__name__: probe
    for probe in (
        connections.bind,
        connections.unix_socket,
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
        failures.killed_worker,
        failures.port_taken,
        failures.import_error,
        failures.lifespan_error,
        signals.ttin_ttou,
        signals.hup_new_code,
        signals.hup_slow_import,
        signals.hup_import_error,
        signals.term,
        signals.int_at_once,
        signals.quit_at_once,
    )
}


def ask(setting: str, kind: Kind = UVICORN_WORKER) -> str:
    """What the probe of this setting says of this kind of server; its servers are ended."""
    begin_trial(next(_numbers))
    try:
        return TRIALS[setting](kind)
    except NoSuchOption:
        return NOT_THERE
    finally:
        for name in ("probe", "beside"):
            end(name_in_trial(name), grace=0)


def fill(
    rows: Iterable[str], kinds: Iterable[Kind] = (UVICORN, UVICORN_WORKER, ASGI), about: float = 30
) -> dict[str, dict[str, str]]:
    """Try each row on each kind of server, several at a time: the verdicts, by row and server.

    `about` is the number of seconds that it usually takes. A setting without effect counts as
    ignored.
    """
    rows, kinds = list(rows), list(kinds)
    pairs = [(row, kind) for row in rows for kind in kinds]
    verdicts: list[str] = []

    def so_far() -> str:
        return f"{len(verdicts)} of {len(pairs)} done"

    with status("trials", about, so_far), ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        for verdict in threads.map(lambda pair: ask(*pair), pairs):
            verdicts.append({NO_EFFECT: IGNORED}.get(verdict, verdict))
    found = iter(verdicts)
    return {row: {kind.name: next(found) for kind in kinds} for row in rows}


def table(matrix: dict[str, dict[str, str]]) -> str:
    """The matrix as text: a line for each row, a column for each server."""
    servers = list(next(iter(matrix.values())))
    lines = [["", *servers], *([row, *verdicts.values()] for row, verdicts in matrix.items())]
    return "\n".join("".join(f"{cell:22}" for cell in line).rstrip() for line in lines)
