"""The reader's command with an address on loopback instead of its own."""

import re
import shlex
from pathlib import Path

# Options that say where to listen; each takes a value.
ADDRESS = ("--bind", "-b", "--host", "--port", "-p", "--uds", "--fd")
BIND = ("gunicorn", "hypercorn")
HOST = ("uvicorn", "fastapi")
PORT = "{port}"
SHELL = {"&&", "||", ";", "|", "&", ">", ">>", "<"}


def server_of(words: list[str]) -> str | None:
    """The server that these words start, if it is one that is known: `uvicorn`, `gunicorn`, ...

    It may stand behind another program, as in `python -m uvicorn` or `uv run gunicorn`.
    """
    for word in words[:6]:
        if Path(word).name in (*BIND, *HOST):
            return Path(word).name
    return None


def on_loopback(words: list[str], port: int) -> tuple[list[str], list[str]]:
    """The command listening at 127.0.0.1:`port`, and the words that were taken out for that.

    A command of an unknown program keeps its options: `-p` may mean anything there. Only `{port}`
    is filled in, and the watch sees to the address (see inject/sitecustomize.py).
    """
    server = server_of(words)
    if server is None:
        return [word.replace(PORT, str(port)) for word in words], []
    kept, removed = without_address(words)
    new = ["--bind", f"127.0.0.1:{port}"] if server in BIND else host_and_port(port)
    return [*kept, *new], removed


def host_and_port(port: int) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port)]


def without_address(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without the options of ADDRESS, and those options with their values."""
    kept: list[str] = []
    removed: list[str] = []
    rest = iter(words)
    for word in rest:
        option = word.partition("=")[0]
        # Gunicorn's -p is its pid file, which would be written beside a server that runs already.
        joined = word.startswith("-b") and not word.startswith("--") and len(word) > 2
        if joined or (option in ADDRESS and "=" in word):
            removed.append(word)
        elif option in ADDRESS:
            removed += [word, *[value for value in [next(rest, None)] if value is not None]]
        else:
            kept.append(word)
    return kept, removed


def words_of(command: str) -> list[str]:
    """The words of a command as a shell has them.

    Raises ValueError for an unclosed quotation mark, an empty command, or what only a shell does.
    """
    words = shlex.split(command)
    if not words:
        raise ValueError("the command is empty")
    if "=" in words[0]:
        raise ValueError(
            "the command begins with a variable: write it to a file, and name that with --env-file"
        )
    if SHELL & {*words} or words[0] in ("cd", "export", "source", "."):
        raise ValueError(
            "the command is one program with its options: --dir FOLDER says where to start it, and "
            "--env-file FILE gives it variables"
        )
    return words


def without_values(words: list[str]) -> list[str]:
    """The command as a page may show it: of Gunicorn's --env NAME=VALUE, the name only."""
    return [
        word.partition("=")[0] + "=..."
        if before in ("-e", "--env") and "=" in word
        else re.sub(r"^(--env=\w+|-e\w+)=.*", r"\1=...", word)
        for before, word in zip(["", *words], words, strict=False)
    ]
