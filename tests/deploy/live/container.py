"""The image of deploy/Dockerfile: built, limited, stopped under load."""

import asyncio
import json
import math
import os

import pytest

from tests.deploy.live.engine import APP, Engine, wait_for, wait_until
from workerlab import steady
from workerlab.ports import free_port

LARGEST = 60  # MB without the base image
RUNS = 5
# As the head of the Dockerfile says.
OPTIONS = ("--read-only", "--stop-timeout", "40", "--cap-drop", "all")


def published(port: int) -> tuple[str, ...]:
    return ("--publish", f"127.0.0.1:{port}:8000")


def test_the_image_is_small(engine: Engine):
    layers = json.loads(engine.podman("history", "--format", "json", APP))
    ours = [layer["size"] for layer in layers if "imported from" not in layer.get("comment", "")]
    assert 20 < sum(ours) / 1e6 <= LARGEST


def test_it_holds_the_pinned_packages_and_no_other(engine: Engine):
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    names = engine.podman("run", "--rm", "--network", "none", APP, "python3", "-c", listed)
    assert "fastapi" in names.split()
    unwanted = {"pip", "jupyterlab", "ipykernel", "matplotlib", "pytest", "workerlab"}
    assert not unwanted & set(names.split())


def test_it_runs_as_its_own_user_on_a_root_that_it_cannot_write(engine: Engine):
    port = free_port()
    with engine.container(*OPTIONS, *published(port)) as one:
        wait_for(f"http://127.0.0.1:{port}/ready")
        assert engine.inside(one, "id -u") == "10001"
        assert "Read-only" in engine.inside(one, "touch /srv/new 2>&1")
        # The exec form: process 1 is Gunicorn, not a shell.
        assert engine.inside(one, "cat /proc/1/comm") == "gunicorn"
        # The health check of the Dockerfile, which an engine repeats.
        assert engine.podman("healthcheck", "run", one) == ""


def test_the_workers_sign_of_life_is_in_memory(engine: Engine):
    port = free_port()
    with engine.container(*OPTIONS, *published(port)) as one:
        wait_for(f"http://127.0.0.1:{port}/ready")
        assert "/dev/shm/" in engine.inside(one, "ls -l /proc/1/fd")
        assert "tmpfs" in engine.inside(one, "stat -f -c %T /dev/shm")


@pytest.mark.parametrize("cpus", [0.5, 1, os.cpu_count() or 1])
def test_the_workers_follow_the_limit_and_not_the_cores(engine: Engine, cpus: float):
    expected = max(1, math.ceil(min(cpus, len(os.sched_getaffinity(0)))))
    with engine.container(*OPTIONS, "--cpus", f"{cpus:g}") as one:
        wait_until(lambda: "startup complete" in engine.logs(one), "a worker's start")
        seen = engine.inside(one, "python3 -c 'import os; print(os.cpu_count())'")
        assert int(seen) == os.cpu_count(), "the container sees all cores"
        # Each worker is a child of the master, process 1.
        assert len(engine.inside(one, "cat /proc/1/task/1/children").split()) == expected


@pytest.mark.parametrize("run", range(RUNS))
def test_term_under_load_loses_nothing_that_was_accepted(engine: Engine, run: int):
    """Requests of 0.5 s, 50 a second; TERM comes 0.2 s before the last of them is sent."""
    port = free_port()
    with engine.container(*OPTIONS, *published(port)) as one:
        wait_for(f"http://127.0.0.1:{port}/ready")

        async def stop_under_load():
            load = asyncio.create_task(steady(f"http://127.0.0.1:{port}/slow?seconds=0.5", 50, 2))
            await asyncio.sleep(1.8)
            stop = await asyncio.create_subprocess_exec(
                *("podman", "kill", "--signal", "TERM", one), env=engine.environment
            )
            result = await load
            await stop.wait()
            return result

        load = asyncio.run(stop_under_load())
        engine.podman("wait", one)
        assert engine.inspect(one)["State"]["ExitCode"] == 0
        # In progress when TERM came: those of the last half second. All of them have their reply.
        answered = engine.logs(one).count('"GET /slow?seconds=0.5 HTTP/1.1" 200')
        good = [record for record in load.records if record.ok]
        assert answered == len(good) >= 75
        refused = [record for record in load.records if not record.ok]
        assert all("refused" in record.error for record in refused), refused
        last = max(record.sent for record in good)
        assert all(record.sent >= last - 0.1 for record in refused), "refused before TERM"
