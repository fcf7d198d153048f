"""deploy/compose.yaml: nginx, two replicas and Valkey, and a replica that is killed under load."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.deploy.live.engine import DEPLOY, VALKEY, Engine, get, post, tool, wait_until
from workerlab import steady
from workerlab.ports import free_port

RUNS = 5
PROJECT = "deploytest"


@dataclass
class Site:
    engine: Engine
    url: str

    def replicas(self) -> list[str]:
        label = "label=com.docker.compose.service=app"
        return self.engine.podman("ps", "--quiet", "--filter", label).split()


@contextlib.contextmanager
def up(engine: Engine) -> Iterator[Site]:
    """The services of compose.yaml, with nginx on a free port."""
    port = free_port()
    engine.environment["PORT"] = str(port)
    # podman-compose starts one replica unless it is told how many; a pod would share one network.
    compose = (tool("podman-compose"), "--in-pod", "false", "-p", PROJECT)
    compose = (*compose, "-f", DEPLOY / "compose.yaml")
    try:
        engine.call(*compose, "up", "--detach", "--no-build", "--scale", "app=2", seconds=60)
        site = Site(engine, f"http://127.0.0.1:{port}")
        wait_until(lambda: len(hosts(site)) == 2, "replies of both replicas")
        yield site
    finally:
        # `down` doesn't know of the second replica.
        label = f"label=io.podman.compose.project={PROJECT}"
        for container in engine.podman("ps", "--all", "--quiet", "--filter", label).split():
            engine.podman("rm", "--force", "--time", "1", container, check=False)
        engine.podman("network", "rm", "--force", f"{PROJECT}_default", check=False)


def hosts(site: Site) -> set[str]:
    """Who answers ten requests."""
    return {get(f"{site.url}/")["host"] for _ in range(10)}


@pytest.fixture(scope="module")
def valkey(engine: Engine) -> Engine:
    engine.build_valkey()
    assert VALKEY in engine.podman("images", "--format", "{{.Repository}}:{{.Tag}}")
    return engine


def test_two_replicas_share_one_counter_and_know_their_client(valkey: Engine):
    with up(valkey) as site:
        assert [post(f"{site.url}/count")["count"] for _ in range(20)] == list(range(1, 21))
        # The app sees who asked nginx, and not who the client says it is.
        honest = get(f"{site.url}/")
        forged = get(f"{site.url}/", X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="https")
        assert honest["client"] == forged["client"] != "203.0.113.9"
        assert forged["scheme"] == "http"
        addresses = valkey.inside(site.replicas()[0], "getent ahosts nginx valkey app")
        assert honest["client"] not in addresses.split(), "the proxy's own address"
        for replica in site.replicas():
            assert "Read-only" in valkey.inside(replica, "touch /srv/new 2>&1")
            # One worker: the limit of compose.yaml is one core.
            assert len(valkey.inside(replica, "cat /proc/1/task/1/children").split()) == 1


@pytest.mark.parametrize("run", range(RUNS))
def test_no_get_is_lost_when_a_replica_is_killed(valkey: Engine, run: int):
    """50 GETs a second for 5 s; one of the two gets KILL after 2 s."""
    with up(valkey) as site:
        victim = site.replicas()[0]

        async def kill_under_load():
            load = asyncio.create_task(steady(f"{site.url}/", 50, 5))
            await asyncio.sleep(2)
            kill = await asyncio.create_subprocess_exec(
                *("podman", "kill", "--signal", "KILL", victim), env=valkey.environment
            )
            result = await load
            await kill.wait()
            return result

        load = asyncio.run(kill_under_load())
        assert len(load.records) == 250
        assert not load.failures
        before = {record.reply["host"] for record in load.records[:90]}
        after = {record.reply["host"] for record in load.records[-50:]}
        assert len(before) == 2 and len(after) == 1
