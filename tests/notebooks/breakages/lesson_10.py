"""What is broken in lessons/10_shared_state.ipynb."""

from tests.notebooks.breakages import Breakage

COUNTER = ["predict", "counter", "launch"]
VISITS = [*COUNTER, "visits", "claim-own"]
METRICS = [*COUNTER, "metrics", "claim-metrics"]
VALKEY = [*COUNTER, "sqlite", "predict-lost", "valkey", "in-valkey"]
RUNS = [*VALKEY, "start-both", "runs"]
CHAT = [*COUNTER, "predict-chat", "chat", "hello", "claim-chat"]
FOR_ALL = [*VALKEY, "chat", "hello", "listening", "chat-for-all", "claim-for-all"]

BREAKAGES = [
    Breakage(
        "there is one worker",
        [("lesson", "--workers 4", "--workers 1")],
        VISITS,
        {"claim-own"},
    ),
    Breakage(
        "the number is in a file, which all workers share",
        [
            ("lesson", "    visits += 1", "    visits = shared()"),
            (
                "lesson",
                "visits = 0\n",
                "visits = 0\n\ndef shared():\n    with open(__file__ + '.n', 'a+') as file:\n"
                "        file.write('.')\n        return file.tell()\n",
            ),
        ],
        VISITS,
        {"claim-own"},
    ),
    Breakage(
        "metrics are not in multiprocess mode",
        [("lesson", "MultiProcessCollector(of_all := CollectorRegistry())", "of_all = REGISTRY")],
        METRICS,
        {"claim-metrics"},
    ),
    Breakage(
        "the worker's own metric is that of all",
        [("lesson", "in (REGISTRY, of_all)", "in (of_all, of_all)")],
        METRICS,
        {"claim-metrics"},
    ),
    Breakage(
        "there is one worker for the metrics",
        [("lesson", "--workers 4", "--workers 1")],
        METRICS,
        {"claim-metrics"},
    ),
    Breakage(
        "every other visit isn't sent",
        [("lesson", "n=200", "n=100")],
        [*RUNS, "claim-lost", "claim-atomic"],
        {"claim-lost", "claim-atomic"},
    ),
    Breakage(
        "SQLite reads and writes under one lock",
        [
            (
                "lesson",
                '        [n] = db.execute("SELECT n FROM counter").fetchone()\n'
                '        db.execute("UPDATE counter SET n = ?", [n + 1])\n        return n + 1',
                '        db.execute("BEGIN IMMEDIATE")\n'
                '        [n] = db.execute("SELECT n FROM counter").fetchone()\n'
                '        db.execute("UPDATE counter SET n = ?", [n + 1])\n'
                '        db.execute("COMMIT")\n        return n + 1',
            )
        ],
        [*RUNS, "claim-lost"],
        {"claim-lost"},
    ),
    Breakage(
        "Valkey changes the number in one step",
        [
            (
                "lesson",
                "    n = int(await store.get(key) or 0)\n    await store.set(key, n + 1)\n"
                "    return n + 1",
                "    return await store.incr(key)",
            )
        ],
        [*RUNS, "claim-lost"],
        {"claim-lost"},
    ),
    Breakage(
        "the step in SQLite has a gap",
        [
            (
                "lesson",
                'db.execute("UPDATE counter SET n = n + 1")',
                'db.execute("UPDATE counter SET n = ?", '
                '[db.execute("SELECT n FROM counter").fetchone()[0] + 1])',
            )
        ],
        [*RUNS, "claim-atomic"],
        {"claim-atomic"},
    ),
    Breakage(
        "the step in Valkey has a gap",
        [
            (
                "lesson",
                "await store.incr(key)",
                "await store.set(key, int(await store.get(key)or 0)+1)",
            )
        ],
        [*RUNS, "claim-atomic"],
        {"claim-atomic"},
    ),
    Breakage(
        "the pool has no limit",
        [("lesson", "max_connections=5", "max_connections=500")],
        [*RUNS, "claim-pools"],
        {"claim-pools"},
    ),
    Breakage(
        "there is one pool, in one worker",
        [("lesson", "--workers 4", "--workers 1")],
        [*RUNS, "claim-pools"],
        {"claim-pools"},
    ),
    Breakage(
        "there is one worker for the chat",
        [("lesson", "--workers 4", "--workers 1")],
        CHAT,
        {"claim-chat"},
    ),
    Breakage(
        "the message goes back to the sender only",
        [("lesson", "for client in clients))", "for client in [*clients][:1]))")],
        CHAT,
        {"claim-chat"},
    ),
    Breakage(
        "clients are hung up on instead of told",
        [("lesson", "client.send_text(text) for client", "client.close() for client")],
        [*FOR_ALL[:-1], "claim-chat", "claim-for-all"],
        {"claim-chat", "claim-for-all"},
    ),
    Breakage(
        "nobody publishes",
        [
            (
                "lesson",
                "talk(client, partial(store.publish, channel))",
                "talk(client, __import__('chat').tell)",
            )
        ],
        FOR_ALL,
        {"claim-for-all"},
    ),
    Breakage(
        "nobody subscribes",
        [
            (
                "lesson",
                "        await messages.subscribe(**{channel: pass_on})\n",
                "        await messages.subscribe('other')\n",
            )
        ],
        FOR_ALL,
        {"claim-for-all"},
    ),
    Breakage(
        "three workers, so three subscribers",
        [("lesson", "--workers 4", "--workers 3")],
        FOR_ALL,
        {"claim-for-all"},
    ),
]
