"""Probes of the settings on logs."""

from workerlab.server.server import Server
from workerlab.server.settings.kinds import (
    ACTS,
    IGNORED,
    Kind,
    comes_true,
    request,
    start,
    start_served,
)


def accesslog(kind: Kind) -> str:
    """Is there a line for a request with an access log, and none without?"""
    with_log = has_line_of_a_request(start_served(kind, accesslog=True))
    without = has_line_of_a_request(start_served(kind, no_accesslog=True))
    return ACTS if with_log and not without else IGNORED


def access_log_format(kind: Kind) -> str:
    """Does the line for a request have the format that was given?"""
    server = start_served(kind, accesslog=True, access_log_format="'%(U)s, form of the probe'")
    has_line_of_a_request(server)
    return ACTS if "/health, form of the probe" in server.log else IGNORED


def has_line_of_a_request(server: Server) -> bool:
    """Whether the server's log speaks of a request."""
    request(server, "/health?asked=1")
    return comes_true(lambda: "/health" in server.log, within=0.5)


def errorlog(kind: Kind) -> str:
    """Is the error log in the file given, and not on standard error?"""
    server = start(kind, errorlog="{folder}/errors")
    file = server.folder / "errors"
    elsewhere = file.exists() and "Listening" in file.read_text()
    return ACTS if elsewhere and "Listening" not in server.log else IGNORED


def loglevel(kind: Kind) -> str:
    """Are the lines of level INFO gone with the level `warning`?"""
    usual = start(kind).log
    quiet = start(kind, loglevel="warning").log
    return ACTS if "INFO" in usual and "INFO" not in quiet else IGNORED
