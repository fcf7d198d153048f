"""Apps that make it hard: a full report or one clear sentence each, and nothing is left behind."""

import pytest

from workerlab.report import app as app_module
from workerlab.report import kinds

pytestmark = pytest.mark.slow

FASTAPI = "import asyncio, os, time\nfrom fastapi import FastAPI\napp = FastAPI()\n"
BLOCKS = "@app.get('/x')\nasync def x():\n    time.sleep(0.1)\n    return 1\n"

CANNOT = {
    "a syntax error": ("def", ["m:app"], "loading it raised SyntaxError"),
    "no such module": ("", ["other:app"], "Python finds no module other there"),
    "no such package inside": ("import nothing_such", ["m:app"], "no module nothing_such there"),
    "no such attribute": ("", ["m:app"], "its module has no attribute app"),
    "ends while it is imported": ("raise SystemExit(3)", ["m:app"], "ended before it answered"),
    "no endpoint": (FASTAPI, ["m:app"], "name one with --path"),
    "a database that is not there, at the start": (
        "import socket\nfrom contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n"
        "@asynccontextmanager\nasync def lifespan(app):\n"
        "    socket.create_connection(('127.0.0.1', 9), 1)\n    yield\n"
        "app = FastAPI(lifespan=lifespan)\n",
        ["m:app"],
        "could not connect to something that it needs",
    ),
    "a database that is not there, at each request": (
        FASTAPI + "@app.get('/x')\nasync def x():\n    raise ConnectionRefusedError\n",
        ["m:app"],
        "Every endpoint failed with a status of 500 or above",
    ),
    "a setting that is not there": (
        "import os\nos.environ['DATABASE_URL']\n",
        ["m:app"],
        "--env-file FILE gives them",
    ),
    "a login everywhere": (
        FASTAPI + "from fastapi import HTTPException\n"
        "@app.get('/x')\nasync def x():\n    raise HTTPException(401)\n",
        ["m:app"],
        "Every endpoint asks for a login",
    ),
    "another Host": (
        FASTAPI + "from starlette.middleware.trustedhost import TrustedHostMiddleware\n"
        "app.add_middleware(TrustedHostMiddleware, allowed_hosts=['example.com'])\n" + BLOCKS,
        ["m:app"],
        "--header Host:example.com",
    ),
    "no request is welcome": (
        FASTAPI + "from fastapi import HTTPException\n"
        "@app.get('/x')\nasync def x():\n    raise HTTPException(429)\n",
        ["m:app"],
        "429 (too many requests) from the first request on",
    ),
    "a WSGI app": (
        "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'x']\n",
        ["m:app"],
        "This is a WSGI app",
    ),
    "a worker for WSGI": (
        FASTAPI + BLOCKS,
        ["--command", "gunicorn m:app"],
        "needs --worker-class",
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_one_sentence_says_why_there_is_no_report(report, name):
    source, arguments, sentence = CANNOT[name]
    report.write(source)
    outcome = report(*arguments)
    assert outcome.status == 2
    assert sentence in outcome.told["could_not_run"]
    assert "Traceback" not in outcome.told["could_not_run"]


def test_an_import_that_takes_too_long(report, monkeypatch):
    monkeypatch.setattr(app_module, "START_LIMIT", 2.0)
    report.write("import time\ntime.sleep(30)\n")
    outcome = report("m:app")
    assert outcome.status == 2
    assert "within 2 s" in outcome.told["could_not_run"]


WORKS = {
    "a factory": (
        "from fastapi import FastAPI\nimport time\n"
        "def make():\n    app = FastAPI()\n"
        "    @app.get('/x')\n    async def x():\n        time.sleep(0.1)\n    return app\n",
        ["--command", "uvicorn --factory m:make"],
    ),
    "a script that listens everywhere": (
        FASTAPI + BLOCKS + "if __name__ == '__main__':\n    import uvicorn\n"
        "    uvicorn.run(app, host='0.0.0.0', port=8000)\n",
        ["--command", "python m.py"],
    ),
    "an answer that depends on Accept": (
        FASTAPI + "from fastapi import Header, HTTPException\n"
        "@app.get('/x')\nasync def x(accept: str = Header('')):\n"
        "    if not accept:\n        raise HTTPException(406)\n    time.sleep(0.1)\n",
        ["m:app"],
    ),
    "a redirect to https": (
        FASTAPI + "from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware\n"
        "app.add_middleware(HTTPSRedirectMiddleware)\n" + BLOCKS,
        ["m:app"],
    ),
    "another Host that is named": (
        FASTAPI + "from starlette.middleware.trustedhost import TrustedHostMiddleware\n"
        "app.add_middleware(TrustedHostMiddleware, allowed_hosts=['example.com'])\n" + BLOCKS,
        ["m:app", "--header", "Host: example.com"],
    ),
    "a login that is given": (
        FASTAPI
        + "from fastapi import Depends\nfrom fastapi.security import HTTPBearer\n"
        + BLOCKS.replace("x()", "x(token=Depends(HTTPBearer()))"),
        ["m:app", "--header", "Authorization: Bearer secret"],
    ),
    "a child that outlives its parent": (
        "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)\n"
        + FASTAPI
        + BLOCKS,
        ["m:app"],
    ),
    "a script that starts several workers": (
        FASTAPI + BLOCKS + "if __name__ == '__main__':\n    import uvicorn\n"
        "    uvicorn.run('m:app', host='0.0.0.0', workers=3)\n",
        ["--command", "python m.py"],
    ),
    "TLS": (
        FASTAPI + BLOCKS,
        ["--command", "uvicorn m:app --ssl-keyfile no.pem --ssl-certfile no.pem"],
    ),
    "workers that are replaced": (
        FASTAPI + BLOCKS,
        ["--command", "uvicorn m:app --reload --limit-max-requests 3"],
    ),
    "its own port in the command": (FASTAPI + BLOCKS, ["--command", "uvicorn m:app --port 80"]),
    "a variable from a file": (
        FASTAPI + BLOCKS.replace("0.1", "float(os.environ['FOR'])"),
        ["m:app", "--env-file", "{folder}/env"],
    ),
}


@pytest.mark.parametrize("name", WORKS)
def test_a_report_all_the_same(report, name):
    source, arguments = WORKS[name]
    report.write(source)
    report.write("# the time\nexport FOR='0.1'\n", "env")
    outcome = report(*[argument.format(folder=report.folder) for argument in arguments])
    assert outcome.status == 1, outcome.stderr
    assert outcome.kinds == {"GET /x": kinds.BLOCKS}
    assert "secret" not in str(outcome.told)


def test_an_endpoint_that_never_answers_and_one_that_never_ends(report):
    report.write(
        FASTAPI + "from fastapi.responses import StreamingResponse\n"
        "@app.get('/silent')\nasync def silent():\n    await asyncio.sleep(3600)\n"
        "async def parts():\n    while True:\n"
        "        await asyncio.sleep(0.05)\n        yield 'x'\n"
        "@app.get('/endless')\nasync def endless():\n    return StreamingResponse(parts())\n"
    )
    outcome = report("m:app")
    assert outcome.status == 0, outcome.told
    assert outcome.kinds == {"GET /silent": kinds.AWAITS, "GET /endless": kinds.AWAITS}


def test_an_endpoint_that_ends_the_app(report):
    report.write(FASTAPI + "@app.get('/a')\nasync def a():\n    os._exit(1)\n" + BLOCKS)
    outcome = report("m:app")
    assert outcome.status == 1
    assert outcome.kinds["GET /x"] == kinds.BLOCKS
    assert "ended the app" in outcome.kinds["GET /a"]


def test_a_limit_of_rates_ends_the_questions(report):
    report.write(
        FASTAPI
        + "from fastapi import HTTPException\nasked = []\n"
        + BLOCKS
        + "@app.get('/y')\nasync def y():\n    raise HTTPException(429)\n"
        "@app.get('/z')\nasync def z():\n    asked.append(1)\n"
    )
    outcome = report("m:app")
    assert outcome.status == 1
    assert outcome.kinds["GET /x"] == kinds.BLOCKS
    assert "429" in outcome.kinds["GET /y"]
    assert outcome.kinds["GET /z"] == "not tried: the app limits rates"


def test_an_app_that_is_a_plain_callable(report):
    report.write(
        "import time\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n        raise RuntimeError\n"
        "    time.sleep(0.1)\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'x'})\n"
    )
    outcome = report("m:app", "--path", "/here")
    assert outcome.kinds == {"GET /here": kinds.BLOCKS}


def test_a_script_with_several_workers_is_tried_in_one(report):
    report.write(
        FASTAPI + "import multiprocessing\n" + BLOCKS + "if multiprocessing.parent_process():\n"
        "    raise RuntimeError('a worker beside others')\n"
        "if __name__ == '__main__':\n    import uvicorn\n"
        "    uvicorn.run('m:app', host='0.0.0.0', workers=2)\n"
    )
    assert report("--command", "python m.py").kinds == {"GET /x": kinds.BLOCKS}


def test_a_slow_endpoint_is_not_judged_by_what_its_first_request_loads(report):
    report.write(
        FASTAPI + "loaded = []\n@app.get('/quick')\nasync def quick():\n    return 1\n"
        "@app.get('/slow')\nasync def slow():\n"
        "    end = time.thread_time() + 0.1\n"
        "    while not loaded and time.thread_time() < end:\n        pass\n"
        "    loaded.append(1)\n    await asyncio.sleep(2.1)\n"
    )
    assert report("m:app").kinds["GET /slow"] == kinds.AWAITS


def test_files_that_are_mounted_are_asked_at_the_root(report):
    report.write("<p>hello", "index.html")
    report.write(
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Mount, WebSocketRoute\n"
        "from starlette.staticfiles import StaticFiles\n"
        "async def socket(websocket):\n    await websocket.accept()\n"
        "app = Starlette(routes=[WebSocketRoute('/ws', socket),\n"
        "    Mount('/', StaticFiles(directory='.', html=True))])\n"
    )
    assert report("m:app").kinds["GET /"] == kinds.SHORT
