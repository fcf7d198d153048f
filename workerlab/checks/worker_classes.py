"""What is said of a worker class which is not the one that the lessons use."""

from typing import Any

from workerlab.checks.verdicts import Verdict, wrong

UVICORN_WORKER = "uvicorn_worker.UvicornWorker"
DEFINED_AS = "uvicorn_worker._workers.UvicornWorker"


def judge_worker_class(worker_class: str, **details: str) -> Verdict | None:
    """The verdict on another worker class than UvicornWorker; `details` go into the verdict.

    UvicornH11Worker is refused as well: it gives up uvloop and httptools where they are there.
    """
    if worker_class in (UVICORN_WORKER, DEFINED_AS):
        return None
    if worker_class.startswith("uvicorn.workers."):
        return wrong(
            "deprecated-class",
            "This class still works, and its module is deprecated.",
            "Which package of its own has the worker moved to?",
            **details,
        )
    if worker_class == "sync":
        return wrong(
            "sync-worker",
            "This is Gunicorn's default worker. It speaks WSGI, and FastAPI is an ASGI app.",
            "Which option puts a Uvicorn into each worker?",
            **details,
        )
    if worker_class == "gthread":
        return wrong(
            "threads-worker",
            "These workers have threads and no event loop. They speak WSGI, and FastAPI is ASGI.",
            "Is it threads that the app needs from its worker, or an event loop?",
            **details,
        )
    if worker_class == "asgi":
        return wrong(
            "gunicorns-own-asgi",
            "This is Gunicorn's own ASGI worker: there is no Uvicorn in it.",
            "Which class has Uvicorn in its name?",
            **details,
        )
    if worker_class.endswith("UvicornH11Worker"):
        return wrong(
            "h11-worker",
            "This class holds Uvicorn to its slower parser and loop, both written in Python.",
            "Which class of the same package takes the fast ones where they are installed?",
            **details,
        )
    return wrong(
        "another-worker-class",
        f"These workers are of the class {worker_class}.",
        "Which class did lesson 04 give to --worker-class?",
        **details,
    )


def is_of_the_file(name: str) -> bool:
    """Whether the configuration file defines this class: its own, or imported by its name."""
    return name.startswith(("__config__.", "gunicorn_conf."))


def class_of(settings: dict[str, Any]) -> str:
    """The worker class, or for one that the configuration file defines, what it is built on."""
    bases = settings["bases"]
    if bases and is_of_the_file(bases[0]):
        return next((base for base in bases if not is_of_the_file(base)), bases[0])
    # As Gunicorn does, without a word.
    if settings["worker_class"] == "sync" and settings["threads"] > 1:
        return "gthread"
    return settings["worker_class"]
