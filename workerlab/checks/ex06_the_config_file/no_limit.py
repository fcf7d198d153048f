"""Exercise 06, task 3: what a file was meant to limit with which nothing is limited."""

import ast
from pathlib import Path
from typing import Any

from workerlab.checks.config import defines_a_class, misspelt
from workerlab.checks.verdicts import Verdict, wrong
from workerlab.checks.worker_classes import is_of_the_file


def no_limit(
    config: str, folder: Path, settings: dict[str, Any], details: dict[str, str]
) -> Verdict:
    """The verdict on a file with which all requests were served at once."""
    names = _assigned(config)
    if settings["worker_connections"] != 1000:
        return wrong(
            "worker-connections",
            "worker_connections does nothing under this worker class.",
            "Who would have to read it: Gunicorn's master, or Uvicorn in the worker?",
            **details,
        )
    if "limit_concurrency" in names:
        return wrong(
            "parameter-of-uvicorn",
            "limit_concurrency is a parameter of Uvicorn; Gunicorn skips it without a word.",
            "Which class hands Gunicorn's settings on to Uvicorn, and which attribute of it adds "
            "others?",
            **details,
        )
    if settings["max_requests"]:
        return wrong(
            "limit-in-all",
            "max_requests counts requests in all, and not those at once.",
            "What happens when so many have been served?",
            **details,
        )
    if "backlog" in names:
        return wrong(
            "backlog",
            "The backlog is for connections which no worker has accepted yet.",
            "Does a worker that awaits leave connections there?",
            **details,
        )
    if settings["threads"] != 1:
        return wrong(
            "threads",
            "This worker class has one event loop and takes no notice of threads.",
            "What limits how many coroutines await at once in one thread?",
            **details,
        )
    if not is_of_the_file(settings["bases"][0]) and defines_a_class(config):
        return wrong(
            "class-not-used",
            "The file defines a class, and the workers are of another.",
            "Which setting says of which class the workers are?",
            **details,
        )
    if is_of_the_file(settings["bases"][0]):
        return wrong(
            "nobody-reads-it",
            "The workers are of your class, and what you set there is read by nobody.",
            "What is the attribute called that UvicornWorker hands on to Uvicorn?",
            **details,
        )
    return misspelt(folder, **details) or wrong(
        "no-limit",
        "All were served at once.",
        "Which parameter of Uvicorn turns requests away, and how does it get there?",
        **details,
    )


def _assigned(config: str) -> set[str]:
    """The names assigned at the top level of the file."""
    targets = [
        target
        for statement in ast.parse(config).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
    ]
    return {target.id for target in targets if isinstance(target, ast.Name)}
