"""deploy/gunicorn.service and deploy/nginx.conf on a machine with systemd, which is a container."""

import pytest

from tests.deploy.live.engine import PYTHON, Engine, wait_until
from workerlab import ROOT

UNIT, STARTED = "gunicorn.service", "startup complete"
# What README.md tells the reader to do, in the same places.
MACHINE = f"""\
FROM {PYTHON}
COPY deploy/requirements.txt /tmp/requirements.txt
RUN python3 -m venv --without-pip /opt/example/venv \\
    && python3 -m pip --python /opt/example/venv/bin/python install -r /tmp/requirements.txt
RUN useradd --system --no-create-home example
COPY app/gunicorn_conf.py deploy/example_app.py /opt/example/
COPY deploy/gunicorn.service /etc/systemd/system/
COPY deploy/nginx.conf deploy/site.conf deploy/servers.conf /etc/nginx/
RUN systemctl enable gunicorn nginx
CMD ["/lib/systemd/systemd"]
"""


@pytest.fixture(scope="module")
def machine(engine: Engine):
    """A container whose process 1 is systemd, with the unit and nginx enabled."""
    engine.build("machine:1", engine.write("machine/Dockerfile", MACHINE), ROOT)
    with engine.container("--systemd=always", image="machine:1", name="machine") as name:
        state = "systemctl is-system-running"
        wait_until(lambda: engine.inside(name, state) in ("running", "degraded"), "a boot")
        yield name


def property_of(engine: Engine, machine: str, name: str) -> str:
    return engine.inside(machine, f"systemctl show --value --property {name} {UNIT}")


def workers(engine: Engine, machine: str) -> list[str]:
    master = property_of(engine, machine, "MainPID")
    return engine.inside(machine, f"cat /proc/{master}/task/{master}/children").split()


def ask(engine: Engine, machine: str, path: str, port: int) -> str:
    """The body of a reply, asked for inside the machine: nothing there listens beyond loopback."""
    script = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}{path}').read())"
    return engine.inside(machine, f'python3 -c "{script}" 2>&1')


def test_it_starts_and_nginx_in_front_of_it(engine: Engine, machine: str):
    wait_until(lambda: "client" in ask(engine, machine, "/", 8080), "a reply through nginx")
    assert engine.inside(machine, "systemctl is-active gunicorn nginx").split() == ["active"] * 2
    assert property_of(engine, machine, "NRestarts") == "0"
    pid = property_of(engine, machine, "MainPID")
    assert engine.inside(machine, f"ps -o user= -p {pid}") == "example"
    status = engine.inside(machine, f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
    # The workers' signs of life, in memory.
    files = engine.inside(machine, f"runuser -u example -- ls -l /proc/{pid}/fd")
    assert files.count("/run/example/wgunicorn-") == len(workers(engine, machine)) > 0
    assert engine.inside(machine, "stat -f -c %T /run/example") == "tmpfs"


def test_reload_replaces_the_workers_and_keeps_the_master(engine: Engine, machine: str):
    master, old = property_of(engine, machine, "MainPID"), workers(engine, machine)
    engine.inside(machine, "systemctl reload gunicorn")
    wait_until(
        lambda: (
            len(workers(engine, machine)) == len(old)
            and not set(workers(engine, machine)) & set(old)
        ),
        "new workers only",
    )
    assert property_of(engine, machine, "MainPID") == master
    wait_until(lambda: "alive" in ask(engine, machine, "/health", 8080), "a reply after the reload")


def test_a_master_that_is_killed_is_started_again(engine: Engine, machine: str):
    master = property_of(engine, machine, "MainPID")
    engine.inside(machine, "systemctl kill --kill-whom=main --signal=KILL gunicorn")

    def another_master() -> bool:
        # With control groups of version 1, a systemd in a container isn't told that the workers
        # are gone too, and waits for them until TimeoutStopSec. This has it look.
        engine.inside(machine, "systemctl daemon-reload")
        return property_of(engine, machine, "MainPID") not in (master, "0")

    wait_until(another_master, "another master")
    wait_until(lambda: "alive" in ask(engine, machine, "/health", 8080), "a reply of its workers")
    assert property_of(engine, machine, "NRestarts") == "1"


def test_stop_lets_a_request_end_and_start_serves_again(engine: Engine, machine: str):
    url = "http://127.0.0.1:8080/slow?seconds=3"
    fetch = f"import urllib.request as u; print(u.urlopen('{url}').status)"
    asking = f'python3 -c "{fetch}" > /tmp/reply 2>&1 &'
    stopping = "sleep 1; systemctl stop gunicorn; wait; cat /tmp/reply"
    assert engine.inside(machine, f"{asking} {stopping}") == "200"
    assert property_of(engine, machine, "Result") == "success"
    assert engine.inside(machine, "pgrep -u example") == ""
    engine.inside(machine, "systemctl start gunicorn")
    wait_until(lambda: "alive" in ask(engine, machine, "/health", 8080), "a reply after the start")
