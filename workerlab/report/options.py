"""The options of `./learn report`. Apart, because every start of ./learn reads them."""

import argparse
from pathlib import Path

OUTPUT = "workerlab-report.html"


def add_to(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command and its options to those of ./learn."""
    command = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="try an app of your own: a page that says what blocks it, and what to do",
        description="Serve an app of your own on this machine, try its endpoints, and write a "
        "page with what was found. Exit status: 0, 1 if something serious was found, 2 if the app "
        "could not be tried.",
    )
    command.add_argument("app", nargs="?", metavar="APP", help="as for Uvicorn: my_app.main:app")
    command.add_argument("--dir", type=Path, default=Path(), help="the folder to start in")
    command.add_argument(
        "--python",
        type=Path,
        help="the Python of the app's environment, such as .venv/bin/python; this one by default",
    )
    command.add_argument(
        "--command", help="what you type to serve it; its address becomes one on loopback"
    )
    command.add_argument(
        "--path",
        action="append",
        default=[],
        help="'/items?limit=5' or 'POST /items {\"name\": \"x\"}': ask this, too",
    )
    command.add_argument(
        "--header", action="append", default=[], metavar="NAME:VALUE", help="sent with each request"
    )
    command.add_argument("--env-file", type=Path, help="variables for the app, NAME=VALUE a line")
    command.add_argument("--no-kill", action="store_true", help="leave out what kills workers")
    command.add_argument("--output", type=Path, help=f"the page; {OUTPUT} by default")
    command.add_argument("--compare", type=Path, metavar="OLD.json", help="show what has changed")
    command.add_argument("--json", action="store_true", help="write JSON to standard output")
    command.add_argument("--yes", action="store_true", help="don't ask first")
    return command
