"""The bank of answers to exercise 07, task 2."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex07_how_many_workers import check

READ = (
    "def bottleneck(sweep, cores, memory_mb):\n"
    "    before, last = sweep[-2:]\n"
    "    grows = last['throughput'] > 1.1 * before['throughput']\n"
    "    one_more = 2 * last['memory_mb'] - before['memory_mb']\n"
)
CPU = "    if last['workers_cpu'] > 0.9 * cores: return 'cpu'\n"
CLIENT = "    if last['client_cpu'] > 0.9: return 'client'\n"
MEMORY = "    if grows and one_more > memory_mb: return 'memory'\n"
UNFINISHED = "    if grows: return 'unfinished'\n"
WAITING = "    return 'waiting'\n"
GROWS = MEMORY + UNFINISHED


@bank(
    Wrong(READ + CPU + CLIENT + "    if grows: return 'memory'\n" + WAITING, "memory-ignored"),
    Wrong(READ + CPU + CLIENT + UNFINISHED + WAITING, "room-overestimated"),
    Wrong(
        READ + CPU + CLIENT + GROWS.replace("one_more", "last['memory_mb']") + WAITING,
        "room-overestimated",
    ),
    Wrong(
        READ + CPU + CLIENT + GROWS.replace("one_more", "1.1 * last['memory_mb']") + WAITING,
        "room-overestimated",
    ),
    Wrong(
        READ + CPU + CLIENT + GROWS.replace("one_more >", "last['memory_mb'] > 0.7 *") + WAITING,
        "memory-ignored",
    ),
    Wrong(READ + CPU.replace("* cores", "") + CLIENT + GROWS + WAITING, "one-core-is-full"),
    Wrong(
        READ + CPU + CLIENT + "    if one_more > memory_mb: return 'memory'\n" + WAITING,
        "growth-not-seen",
    ),
    Wrong(
        READ + "    if one_more > memory_mb: return 'memory'\n" + CPU + CLIENT + GROWS + WAITING,
        "memory-though-flat",
    ),
    Wrong(READ + GROWS + CLIENT + "    return 'cpu'\n", "flat-means-full"),
    Wrong(READ + CPU + GROWS + WAITING, "full-core-not-seen"),
    Wrong(READ + CPU.replace("last", "sweep[0]") + CLIENT + GROWS + WAITING, "full-core-not-seen"),
    Wrong(READ + CPU + CLIENT + GROWS, "nothing-returned"),
    Right(READ + CPU + CLIENT + GROWS + WAITING),
    Right(READ + GROWS + CLIENT + CPU + WAITING),
    Right(
        "def bottleneck(sweep, cores, memory_mb):\n"
        "    workers, memory = sweep[-1]['workers'], sweep[-1]['memory_mb']\n"
        "    each = (memory - sweep[0]['memory_mb']) / (workers - 1)\n"
        "    top = max(row['throughput'] for row in sweep)\n"
        "    if sweep[-2]['throughput'] < 0.9 * top:\n"
        "        return ('memory', 'unfinished')[memory + each <= memory_mb]\n"
        "    shares = {'cpu': max(row['workers_cpu'] for row in sweep) / cores,\n"
        "              'client': max(row['client_cpu'] for row in sweep), 'waiting': 0.9}\n"
        "    return max(shares, key=shares.get)\n"
    ),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("bottleneck"))
