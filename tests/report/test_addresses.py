"""The reader's command listens on loopback, whatever it says."""

import pytest

from workerlab.report.addresses import on_loopback, server_of, without_values, words_of

NEW = {
    "gunicorn": ["--bind", "127.0.0.1:5000"],
    "uvicorn": ["--host", "127.0.0.1", "--port", "5000"],
}

COMMANDS = [
    ("gunicorn m:app -b 0.0.0.0:80", "gunicorn", ["gunicorn", "m:app"], ["-b", "0.0.0.0:80"]),
    ("gunicorn m:app -b0.0.0.0:80", "gunicorn", ["gunicorn", "m:app"], ["-b0.0.0.0:80"]),
    ("gunicorn --bind=unix:/s m:app", "gunicorn", ["gunicorn", "m:app"], ["--bind=unix:/s"]),
    ("gunicorn -p x.pid m:app", "gunicorn", ["gunicorn", "m:app"], ["-p", "x.pid"]),
    (
        "python -m uvicorn m:app --host 0.0.0.0 --port=80",
        "uvicorn",
        ["python", "-m", "uvicorn", "m:app"],
        ["--host", "0.0.0.0", "--port=80"],
    ),
    ("uvicorn m:app --uds /s", "uvicorn", ["uvicorn", "m:app"], ["--uds", "/s"]),
    ("uv run gunicorn m:app", "gunicorn", ["uv", "run", "gunicorn", "m:app"], []),
]


@pytest.mark.parametrize(("command", "server", "kept", "removed"), COMMANDS)
def test_the_address_is_replaced(command, server, kept, removed):
    words = words_of(command)
    assert server_of(words) == server
    assert on_loopback(words, 5000) == ([*kept, *NEW[server]], removed)


def test_a_program_that_is_not_known_keeps_its_options():
    assert on_loopback(["python", "main.py", "-p", "{port}"], 5000) == (
        ["python", "main.py", "-p", "5000"],
        [],
    )


@pytest.mark.parametrize(
    "option", ["-e A=secret", "--env A=secret", "--env=A=secret", "-eA=secret"]
)
def test_a_page_shows_no_values_of_variables(option):
    words = without_values(words_of(f"gunicorn m:app {option} -w 2"))
    assert words[-2:] == ["-w", "2"]
    assert "A=..." in " ".join(words) and "secret" not in " ".join(words)
