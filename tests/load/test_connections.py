import asyncio

import pytest

from workerlab import Server, kept_connections, stop_all

GUNICORN = (
    "gunicorn app.main:app --workers 2 --keep-alive {kept}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{{port}}"
)


@pytest.fixture(scope="module")
def server():
    yield Server(GUNICORN.format(kept=30), name="keeping")
    stop_all()


def established(server) -> int:
    """How many connections clients hold open to this server."""
    held = [
        connection
        for process in server._guard.members()
        for connection in process.net_connections(kind="tcp")
        if connection.status == "ESTABLISHED" and connection.laddr.port == server.port
    ]
    return len(held)


def test_a_connection_stays_with_its_worker(server):
    async def experiment():
        async with kept_connections(f"{server.url}/health", 6) as connections:
            run = await connections.burst(f"{server.url}/slow-await?seconds=0.05", n=3)
            return connections.opening, run, established(server)

    opening, run, open_connections = asyncio.run(experiment())
    holders = {record.connection: record.worker for record in opening.records}
    assert list(holders) == list(range(6)) and open_connections == 6
    assert len(run) == 18 and not run.failures
    assert all(record.worker == holders[record.connection] for record in run.records)
    assert run.peak_overlap > 1  # over several connections at once


def test_requests_over_one_connection_come_one_after_the_other(server):
    async def experiment():
        async with kept_connections(f"{server.url}/health", 2) as connections:
            url = f"{server.url}/slow-await?seconds=0.05"
            return await connections.burst(url, n=3, over=[1], method="GET")

    run = asyncio.run(experiment())
    assert [record.connection for record in run.records] == [1, 1, 1]
    assert run.peak_overlap == 1


def test_they_are_closed_at_the_end_whatever_happens(server):
    async def experiment():
        with pytest.raises(ZeroDivisionError):
            async with kept_connections(f"{server.url}/health", 3):
                assert established(server) == 3
                1 / 0  # noqa: B018
        await asyncio.sleep(0.2)

    asyncio.run(experiment())
    assert established(server) == 0


@pytest.mark.slow
def test_a_connection_that_the_server_closed_is_lost_and_not_opened_again():
    brief = Server(GUNICORN.format(kept=1), name="brief")

    async def experiment():
        async with kept_connections(f"{brief.url}/health", 2) as connections:
            await asyncio.sleep(1.6)
            return await connections.burst(f"{brief.url}/health", n=2)

    run = asyncio.run(experiment())
    log = brief.log
    brief.stop()
    assert {record.error for record in run.records} == {"this connection is no longer open"}
    assert sorted(record.connection for record in run.records) == [0, 0, 1, 1]
    assert log.count("GET /health") <= 3  # two that opened, and one that asked whether it is ready


def test_they_lead_to_one_server(server):
    async def experiment():
        async with kept_connections(f"{server.url}/health", 1) as connections:
            await connections.burst("http://127.0.0.1:1/")

    with pytest.raises(ValueError, match="these connections lead to 127"):
        asyncio.run(experiment())


@pytest.mark.parametrize(("url", "n"), [("http://192.0.2.1/", 1), ("http://127.0.0.1:1/", 501)])
def test_they_are_bounded_and_on_this_machine(url, n):
    async def experiment():
        async with kept_connections(url, n):
            pass

    with pytest.raises(ValueError):
        asyncio.run(experiment())
