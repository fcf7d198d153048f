"""`./learn report`: its question, what it says while it runs, its exit status.

Standard error has the question, the progress and the sentences; standard output has where the pages
are, or with --json the JSON and nothing else.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

from workerlab.report import endpoints, findings, page
from workerlab.report.addresses import words_of
from workerlab.report.app import Reader, Started, one_worker, running
from workerlab.report.client import Call
from workerlab.report.environment import CannotRun, look_at
from workerlab.report.experiments import EXPERIMENTS, Context
from workerlab.report.options import OUTPUT
from workerlab.report.report import FORM, Report
from workerlab.report.trying import RateLimited, Tried, try_endpoint
from workerlab.status import status

FINE, SERIOUS, CANNOT = 0, 1, 2  # exit status
MOST_RESTARTS = 3  # after endpoints that end the app


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


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def summary(report: Report, written: list[Path], stream: object) -> None:
    print(report.verdict, file=stream)
    for finding in report.findings:
        if finding.weight != "fine":
            print(f"  {finding.weight}: {finding.title}", file=stream)
    print("\n".join(str(path) for path in written), file=stream)


# What the reader typed


def reader_of(options: argparse.Namespace) -> tuple[Reader, list[Call]]:
    """The app and what to ask, from the options. Raises CannotRun for what makes no sense."""
    if not options.app and not options.command:
        raise CannotRun("Which app? ./learn report my_app.main:app, or --command '...'")
    folder = options.dir.expanduser()
    if not folder.is_dir():
        raise CannotRun(f"There is no folder {folder}.")
    try:
        command = words_of(options.command) if options.command else None
        calls = [endpoints.call_of(text) for text in options.path]
        headers = dict(header_of(text) for text in options.header)
        variables = read_variables(options.env_file) if options.env_file else {}
    except ValueError as error:
        raise CannotRun(f"{error}") from None
    target = options.app if not options.app or ":" in options.app else f"{options.app}:app"
    python = (options.python or Path(sys.executable)).expanduser()
    environment = look_at(python)
    output = (options.output or Path(OUTPUT)).absolute().parent
    if not output.is_dir() or not os.access(output, os.W_OK):
        raise CannotRun(f"The page could not be written: {output} is not a folder to write to.")
    return Reader(environment, folder.absolute(), target, command, variables, headers), calls


def header_of(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text:
        raise ValueError("a header is NAME:VALUE, as in --header 'Authorization: Bearer ...'")
    return name.strip(), value.strip()


def read_variables(path: Path) -> dict[str, str]:
    """NAME=VALUE a line; comments, `export` and quotation marks are understood."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{path} cannot be read.") from None
    variables = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{path}, line {number}, is not NAME=VALUE.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables


def ask_first(reader: Reader, no_kill: bool) -> None:
    """Say what will happen, and ask. Raises CannotRun if the answer is no, or nobody can answer."""
    what = reader.target or shlex.join(reader.command or [])
    kills = "" if no_kill else " It also kills workers that it has started itself."
    say(
        f"The report starts {what} on this machine several times, at a port of 127.0.0.1, with "
        f"{reader.environment.python}. It sends GET requests to the endpoints that it finds, a few "
        "to each and some hundreds to one, over a minute or so; GETs that sound as if they act "
        f"(logout, delete) are left out.{kills} The app uses whatever database and services its "
        "settings name: make sure that these are not your production ones."
    )
    if not sys.stdin.isatty():
        raise CannotRun("Nobody is there to answer: add --yes if that is all right.")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CannotRun("Nothing was started.")


# Making the report


def make(reader: Reader, calls: list[Call], kills: bool) -> Report:
    """Try the endpoints, then the app as a whole. Raises CannotRun."""
    words = one_worker(reader)
    remarks: list[str] = []
    tried, description, removed = try_all(reader, words, calls, remarks)
    if removed:
        remarks.append(
            f"Of the command, {shlex.join(removed)} was replaced with an address on 127.0.0.1."
        )
    refuse_what_says_nothing(tried, description)
    context = Context(reader, description, tried, kills)
    found = findings.of_endpoints(tried, reader.folder)
    for what, experiment in EXPERIMENTS.items():
        say(f"{what} ...")
        try:
            with status(what):
                found += experiment(context)
        except CannotRun as error:
            context.unknown.append((what, str(error)))
    environment = reader.environment
    versions = {"Python": environment.version, **environment.versions}
    name = reader.target or shlex.join(reader.command or [])
    return Report(name, reader.folder, versions, tried, found, remarks, context.unknown)


def try_all(
    reader: Reader, words: list[str], calls: list[Call], remarks: list[str]
) -> tuple[list[Tried], dict, list[str]]:
    """Try each endpoint; start the app again where one has ended it."""
    tried: list[Tried] = []
    todo: list[endpoints.Endpoint] | None = None
    description: dict = {}
    removed: list[str] = []
    for _ in range(1 + MOST_RESTARTS):
        say(f"starting the app: {shlex.join(words)}")
        with running(reader, words) as app:
            removed = app.removed
            if todo is None:
                description = app.description()
                todo = endpoints.find(description, calls)
                count = sum(endpoint.call is not None for endpoint in todo)
                say(f"{len(todo)} endpoints, of which {count} are tried")
                look_for_redirect(app, todo, remarks)
            try_those(app, todo, tried, remarks)
        if not todo:
            break
    return tried, description, removed


def try_those(
    app: Started, todo: list[endpoints.Endpoint], tried: list[Tried], remarks: list[str]
) -> None:
    """Move endpoints from `todo` to `tried`, until one has ended the app or none is left."""
    while todo:
        endpoint = todo.pop(0)
        if endpoint.call is None:
            tried.append(Tried(endpoint))
            continue
        try:
            with status(f"trying {endpoint.name}, {len(todo)} more to go"):
                tried.append(try_endpoint(app, endpoint))
        except RateLimited:
            remarks.append(
                f"The app limits rates: {endpoint.name} answered 429, and the report stopped "
                "asking there. What follows rests on the endpoints before it."
            )
            tried.append(Tried(endpoint, status=429, problem="answered 429: too many requests"))
            for other in todo:
                tried.append(Tried(other, problem="not tried: the app limits rates"))
            todo.clear()
        except ConnectionError:
            tried.append(Tried(endpoint, problem="it ended the app, which was started again"))
            return


def look_for_redirect(app: Started, todo: list[endpoints.Endpoint], remarks: list[str]) -> None:
    """Where everything is redirected to https, ask as a proxy would that has ended TLS."""
    first = next((endpoint for endpoint in todo if endpoint.call is not None), None)
    if first is None:
        return
    reply = app.ask(first.call, limit=10.0)
    is_redirect = reply.status in (301, 302, 307, 308)
    if is_redirect and reply.location.startswith("https://"):
        app.reader.headers["X-Forwarded-Proto"] = "https"
        remarks.append(
            "The app redirects to https, so requests carried X-Forwarded-Proto: https, as behind a "
            "proxy that ends TLS."
        )


def refuse_what_says_nothing(tried: list[Tried], description: dict) -> None:
    """Raise CannotRun where not one endpoint could be judged, with the likely reason."""
    if any(one.kind is not None for one in tried):
        return
    statuses = {one.status for one in tried if one.status is not None}
    if description.get("is_wsgi"):
        raise CannotRun("This is a WSGI app, and the report tries ASGI apps.")
    if statuses and statuses <= {401, 403}:
        raise CannotRun(
            "Every endpoint asks for a login. Give one that may read: "
            "--header 'Authorization: Bearer ...'"
        )
    if statuses == {400}:
        raise CannotRun(
            "Every endpoint answered 400. If the app checks the Host header, name a host that it "
            "accepts: --header Host:example.com"
        )
    if statuses == {429}:
        raise CannotRun("The app answered 429 (too many requests) from the first request on.")
    if statuses and min(statuses) >= 500:
        raise CannotRun(
            "Every endpoint failed with a status of 500 or above. Does the app need a database or "
            "a setting that is not there? --env-file FILE gives it variables."
        )
    is_made_up = [one.endpoint.path for one in tried] == ["/"] and statuses == {404}
    if is_made_up or not any(one.endpoint.call for one in tried):
        raise CannotRun(
            "The app has no endpoint that could be tried: name one with --path '/items?limit=5'."
        )
    problems = sorted({one.problem for one in tried if one.problem})
    raise CannotRun(f"No endpoint could be tried: {'; '.join(problems)}.")


# Before and after


def read_old(path: Path) -> dict:
    """An older report's JSON. Raises CannotRun if it is none."""
    try:
        old = json.loads(path.expanduser().read_text(encoding="utf-8"))
        if old["form"] != FORM or "endpoints" not in old:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotRun(f"{path} is no JSON of ./learn report --json.") from None
    return old


def compare(old: dict, report: Report) -> list[list[str]]:
    """A row for each endpoint whose kind has changed, or whose time has by a half at least."""
    before = {(one["method"], one["path"]): one for one in old["endpoints"]}
    rows = []
    for one in report.to_json()["endpoints"]:
        was = before.get((one["method"], one["path"]))
        if was is None or not (was.get("kind") and one["kind"]):
            continue
        ratio = (one["seconds"] + 0.005) / (was["seconds"] + 0.005)
        if was["kind"] != one["kind"] or not 0.67 < ratio < 1.5:
            rows.append([f"{one['method']} {one['path']}", told(was), told(one)])
    return rows or [["all", "the same", "the same"]]


def told(one: dict) -> str:
    return f"{one['kind']}, {findings.milliseconds(one['seconds'])}"
