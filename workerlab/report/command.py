"""`./learn report`: its question, what it says while it runs, its exit status.

Standard error has the question, the progress and the sentences; standard output has where the pages
are, or with --json the JSON and nothing else.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from workerlab.report import page
from workerlab.report.comparing import compare, read_old
from workerlab.report.environment import CannotRun
from workerlab.report.making import make, say
from workerlab.report.options import OUTPUT
from workerlab.report.reader import Reader, reader_of
from workerlab.report.report import FORM, Report

FINE, SERIOUS, CANNOT = 0, 1, 2  # exit status


def run(options: argparse.Namespace) -> int:
    """Make the report; return the exit status."""
    began = time.monotonic()
    try:
        reader, calls = reader_of(options)
        old = read_old(options.compare) if options.compare else None
        if not options.yes:
            ask_first(reader, options.no_kill)
        report = make(reader, calls, kills=not options.no_kill)
    except CannotRun as error:
        return cannot(error, options.json)
    report.seconds = time.monotonic() - began
    if old is not None:
        report.compared = compare(old, report)
    if options.json:
        print(json.dumps(report.to_json(), indent=2))
    if options.output or not options.json:
        try:
            written = page.write(report, options.output or Path(OUTPUT))
        except OSError as error:
            return cannot(CannotRun(f"The page could not be written: {error.strerror}."), False)
        summary(report, written, sys.stderr if options.json else sys.stdout)
    return SERIOUS if report.is_serious else FINE


def cannot(error: CannotRun, as_json: bool) -> int:
    say(f"learn: {error}")
    if error.log.strip():
        say("The end of what the app wrote (it is in no page):")
        for line in error.log.splitlines()[-12:]:
            say(f"    {line}")
    if as_json:
        print(json.dumps({"form": FORM, "could_not_run": str(error)}, indent=2))
    return CANNOT


def summary(report: Report, written: list[Path], stream: object) -> None:
    print(report.verdict, file=stream)
    for finding in report.findings:
        if finding.weight != "fine":
            print(f"  {finding.weight}: {finding.title}", file=stream)
    print("\n".join(str(path) for path in written), file=stream)


def ask_first(reader: Reader, no_kill: bool) -> None:
    """Say what will happen, and ask. Raises CannotRun if the answer is no, or nobody can answer."""
    kills = "" if no_kill else " It also kills workers that it has started itself."
    say(
        f"The report starts {reader.name} on this machine several times, at a port of "
        f"127.0.0.1, with {reader.environment.python}. It sends GET requests to the endpoints "
        "that it finds, a few to each and some hundreds to one, over a minute or so; GETs that "
        f"sound as if they act (logout, delete) are left out.{kills} The app uses whatever "
        "database and services its settings name, and writes what it always writes: make sure "
        "that these are not your production ones."
    )
    if not sys.stdin.isatty():
        raise CannotRun("Nobody is there to answer: add --yes if that is all right.")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CannotRun("Nothing was started.")
