"""Names in a gunicorn_conf.py that Gunicorn does not know, and settings without effect."""

import argparse
import difflib

from workerlab.report.experiments.configuration import configured
from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding

# What each worker class takes and does not use; docs/version-facts.md has the experiments.
BY_BOTH = {"threads", "worker_connections", "tmp_upload_dir"}
BY_UVICORN = {"limit_request_line", "limit_request_fields", "access_log_format", "reload"}
BY_ASGI = {"backlog"}


def find(context: Context) -> list[Finding]:
    """Compare the file's names with Gunicorn's. Raises CannotRun if the command has no file."""
    file, values = configured(context)
    given = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    given.add_argument("--worker-class", "-k", default=values.get("worker_class"))
    worker_class = str(given.parse_known_args((context.reader.command or [])[1:])[0].worker_class)
    known = context.reader.environment.settings
    return [of_names(list(values), known, without_effect(worker_class), file)]


def without_effect(worker_class: str) -> set[str]:
    """The settings that do nothing with this worker class; those of all if it is unknown."""
    if "Uvicorn" in worker_class:
        return BY_BOTH | BY_UVICORN
    return BY_BOTH | BY_ASGI if worker_class == "asgi" else BY_BOTH


def of_names(names: list[str], known: list[str], ignored: set[str], file: str) -> Finding:
    misspelt = []
    for name in names:
        if name not in known and (close := difflib.get_close_matches(name, known, 1, 0.75)):
            misspelt.append(f"{name} (is {close[0]} meant?)")
    without = [name for name in names if name in ignored]
    done = f"The names in {file}, compared with the settings of the Gunicorn that is installed."
    if not misspelt and not without:
        seen = f"It knows all {len(names)} of them, or they resemble no setting."
        return Finding(
            "settings", "fine", f"All settings of {file} are known", done, seen, "Nothing.", "06"
        )
    parts = [f"Gunicorn has no setting {', '.join(misspelt)}."] if misspelt else []
    if without:
        parts.append(f"Its worker class takes {', '.join(without)}, and doesn't use it.")
    return Finding(
        "settings",
        "serious" if misspelt else "worth knowing",
        f"Some settings of {file} do nothing",
        done,
        " ".join(parts),
        "Correct the names, or take the lines out: Gunicorn ignores a name that it doesn't know, "
        "without a word.",
        "06",
        figures={"misspelt": misspelt, "without_effect": without},
    )
