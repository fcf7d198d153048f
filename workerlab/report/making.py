"""Making the report: each endpoint, then the app as a whole."""

import shlex
import sys

from workerlab.report import endpoints, findings
from workerlab.report.app import Started, one_worker, running
from workerlab.report.client import Call
from workerlab.report.environment import CannotRun
from workerlab.report.experiments import EXPERIMENTS, Context
from workerlab.report.reader import Reader
from workerlab.report.report import Report
from workerlab.report.trying import RateLimited, Tried, try_endpoint
from workerlab.status import status

MOST_RESTARTS = 3  # after endpoints that end the app
STARTS = 10  # about how often the whole report starts the app
LONG_START = 6.0  # seconds: then the reader is told how long it will take


def say(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def make(reader: Reader, calls: list[Call], kills: bool) -> Report:
    """Try the endpoints, then the app as a whole. Raises CannotRun."""
    words = one_worker(reader)
    remarks: list[str] = []
    tried, description = try_all(reader, words, calls, remarks)
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
    return Report(reader.name, reader.folder, versions, tried, found, remarks, context.unknown)


def try_all(
    reader: Reader, words: list[str], calls: list[Call], remarks: list[str]
) -> tuple[list[Tried], dict]:
    """Try each endpoint; start the app again where one has ended it."""
    tried: list[Tried] = []
    todo: list[endpoints.Endpoint] | None = None
    description: dict = {}
    for _ in range(1 + MOST_RESTARTS):
        say(f"starting the app: {shlex.join(words)}")
        with running(reader, words) as app:
            if todo is None:
                remarks += not_as_typed(app)
                description = app.description()
                todo = endpoints.find(description, calls)
                count = sum(endpoint.call is not None for endpoint in todo)
                say(f"{len(todo)} endpoints, of which {count} are tried")
                look_for_redirect(app, todo, remarks)
            try_those(app, todo, tried, remarks)
        if not todo:
            break
    return tried, description


def not_as_typed(app: Started) -> list[str]:
    """What the report changed of the reader's command and settings; says how long it will take."""
    remarks = []
    if app.removed:
        removed = shlex.join(app.removed)
        remarks.append(f"Of the command, {removed} was replaced with an address on 127.0.0.1.")
    names = sorted({note["name"] for note in app.notes("left out")})
    if names:
        remarks.append(
            f"Served without its {', '.join(names)}: the report writes no file beside a server "
            "that runs already, speaks plain HTTP, and has no worker replaced while it measures."
        )
    if app.seconds > LONG_START:
        minutes = STARTS * app.seconds / 60 + 1
        say(
            f"It took {app.seconds:.0f} s to start, and the report starts it about {STARTS} times: "
            f"this takes some {minutes:.0f} minutes."
        )
    return remarks


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
