from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex01_one_worker import check

HEAD = "import json, os, urllib.request\ndef answering_pid(url):\n"


@bank(
    Right(
        HEAD + "    with urllib.request.urlopen(url) as reply:\n"
        '        return json.load(reply)["worker_pid"]\n'
    ),
    Right(
        "import functools, requests\n"
        "@functools.cache\n"
        "def answering_pid(url):\n"
        "    return requests.get(url + '/health').json()['worker_pid']\n"
    ),
    Right(
        "import asyncio, aiohttp\n"
        "async def ask(url):\n"
        "    async with aiohttp.request('GET', url) as response:\n"
        "        return (await response.json())['worker_pid']\n"
        "def answering_pid(url):\n"
        "    return asyncio.run(ask(url))\n"
    ),
    Wrong("answering_pid = 4711\n", "not-a-function"),
    Wrong(HEAD + "    return json.load(urllib.request.urlopen(url))\n", "whole-reply"),
    Wrong(HEAD + "    return urllib.request.urlopen(url).read()\n", "whole-reply"),
    Wrong(HEAD + "    return urllib.request.urlopen(url).read().decode()\n", "whole-reply"),
    Wrong(HEAD + "    json.load(urllib.request.urlopen(url))['worker_pid']\n", "nothing-returned"),
    Wrong(
        HEAD + "    return str(json.load(urllib.request.urlopen(url))['worker_pid'])\n",
        "text-not-number",
    ),
    Wrong(HEAD + "    return os.getpid()\n", "own-process"),
    Wrong(HEAD + "    return 4711\n", "fixed-value"),
    Wrong(HEAD + "    return int(url.rpartition(':')[2])\n", "another-number"),
    Wrong(HEAD + "    return json.load(urllib.request.urlopen(url))['pid']\n", "no-such-field"),
    Wrong(HEAD + "    return urllib.request.urlopen(url + '/no').status\n", "raises"),
    Wrong("def answering_pid(url):\n    return requests.get(url).json()\n", "needs-another-cell"),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("answering_pid"))
