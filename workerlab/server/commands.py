"""Reading a server's command line: where it will listen, and how many workers it asks for."""

import argparse
import ipaddress
import re
import shlex

# Variables that the servers would take settings from: the command in the cell is to say it all.
SETTINGS = re.compile(
    r"GUNICORN_CMD_ARGS|UVICORN_\w+|PORT|WEB_CONCURRENCY|FORWARDED_ALLOW_IPS|WORKERLAB_(REPORT_TO|OBSERVE)"
)


def address_of(command: str) -> tuple[str, int]:
    """The host and port at which the server of this command line will listen.

    Raises ValueError when that is beyond loopback, no address, or no TCP port.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--bind", "-b", action="append")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8000")
    parser.add_argument("--uds", "--fd", dest="other")
    words = shlex.split(command)
    if not words:
        raise ValueError("the command is empty")
    try:
        given, _ = parser.parse_known_args(words[1:])
    except argparse.ArgumentError as error:
        raise ValueError(f"{command}\n{error}") from None
    binds = ",".join(given.bind).split(",") if given.bind else [f"{given.host}:{given.port}"]
    for bind in [given.other or "", *binds]:
        if bind == given.other or bind.startswith(("unix:", "fd://")):
            raise ValueError(
                f"{command}\nwould not listen on a TCP port, where the lesson's requests go: "
                "use 127.0.0.1:{port}"
            )
    addresses = [_host_and_port(command, bind.strip().removeprefix("tcp://")) for bind in binds]
    return addresses[0]


def unix_socket_of(command: str) -> str | None:
    """The path of the Unix socket at which the server of this command line will listen, if it will.

    Gunicorn's `--bind unix:PATH`, Uvicorn's `--uds PATH`.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--bind", "-b", action="append", default=[])
    parser.add_argument("--uds")
    try:
        given, _ = parser.parse_known_args(shlex.split(command)[1:])
    except argparse.ArgumentError:
        return None  # the server will say so itself
    bound = [bind.removeprefix("unix:") for bind in given.bind if bind.startswith("unix:")]
    return next(iter([*filter(None, [given.uds]), *bound]), None)


def _host_and_port(command: str, bind: str) -> tuple[str, int]:
    host, colon, port = bind.rpartition(":")
    if bind and not colon:
        host, port = bind, "8000"  # as Gunicorn has it
    if _is_no_host(host):
        raise ValueError(
            f"{command}\n{bind!r} is not an address: Uvicorn takes host and port separately, "
            "--host 127.0.0.1 --port {port}, Gunicorn together, --bind 127.0.0.1:{port}"
        )
    if not is_loopback(host):
        raise ValueError(beyond(command, bind))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"{command}\n{port!r} is not a port; use {{port}} for a free one")
    return host, int(port)


def _is_no_host(host: str) -> bool:
    """Whether this is neither an address nor a name, but more or less than that."""
    return host.strip("[]").count(":") == 1 or "/" in host or host.isdecimal()


def beyond(command: str, address: str) -> str:
    """The sentence on a server that other machines could reach."""
    return (
        f"{command}\nwould listen at {address or 'every address'}. The lessons' servers stay on "
        "this machine, out of reach of others: use 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine and cannot be reached from another."""
    try:
        return host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def workers_asked_for(command: str) -> int | None:
    """The N of `--workers N` or `-w N`; None if the command does not say or --reload undoes it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--workers", "-w", type=int)
    parser.add_argument("--reload", action="store_true")
    try:
        given, _ = parser.parse_known_args(shlex.split(command)[1:])
    except argparse.ArgumentError:
        return None  # not a number: the server will say so itself
    # Uvicorn has one worker then; Gunicorn's --reload leaves the number alone.
    undone = given.reload and "uvicorn" in shlex.split(command)
    return None if undone else given.workers
