"""The app served by several workers: with the reader's own command, or by Gunicorn or Uvicorn."""

from workerlab.report.addresses import server_of
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context

WORKERS = 2
UVICORN_WORKER = "uvicorn_worker.UvicornWorker"


def with_gunicorn(context: Context) -> list[str]:
    """The command that serves it with Gunicorn and WORKERS workers, the reader's own if possible.

    Raises CannotRun if Gunicorn is not installed there, or has no worker for such an app.
    """
    reader = context.reader
    more = ["--workers", str(WORKERS)]
    if reader.command is not None and server_of(reader.command) == "gunicorn":
        return reader.words(*more)
    if not reader.environment.has("gunicorn"):
        raise CannotRun("Gunicorn is not installed there")
    return reader.words("--worker-class", worker_class(context), *more, server="gunicorn")


def worker_class(context: Context) -> str:
    environment = context.reader.environment
    if environment.has("uvicorn-worker"):
        return UVICORN_WORKER
    if any(name.startswith("asgi") for name in environment.settings):
        return "asgi"
    if environment.has("uvicorn"):
        return "uvicorn.workers.UvicornWorker"
    raise CannotRun("this Gunicorn has no worker for ASGI apps: install uvicorn-worker there")


def as_deployed(context: Context) -> tuple[list[str], str]:
    """The command with WORKERS workers, and which server that is: the reader's own if possible.

    Raises CannotRun if it cannot have several.
    """
    reader = context.reader
    server = server_of(reader.command) if reader.command is not None else None
    if server == "uvicorn":
        return reader.words("--workers", str(WORKERS)), "Uvicorn"
    if reader.command is not None and server != "gunicorn" and reader.target is None:
        raise CannotRun("its command is no plain uvicorn or gunicorn; name the app as well")
    if server == "gunicorn" or reader.environment.has("gunicorn"):
        return with_gunicorn(context), "Gunicorn"
    return reader.words("--workers", str(WORKERS), server="uvicorn"), "Uvicorn"
