"""Draw the picture at the top of the README: `python docs/pictures/three_workers.py`

One run of twelve requests on three workers. They have one path and several lengths, and three of
them block the event loop; the picture doesn't say which, so it gives no lesson's prediction away.
"""

import asyncio
from pathlib import Path

from workerlab import Server, steady, stop_all

APP = """
import asyncio
import time

from fastapi import FastAPI

from workerlab.probe import report_requests, timed

app = FastAPI()
report_requests(app)


@app.get("/work")
async def work(seconds: float, block: bool = False):
    with timed():
        if block:
            time.sleep(seconds)
        else:
            await asyncio.sleep(seconds)
"""
COMMAND = (
    "gunicorn mixed:app --workers 3 --worker-class uvicorn_worker.UvicornWorker "
    "--chdir {folder} --bind 127.0.0.1:{port}"
)
LENGTHS = [0.5, 0.25, 0.6, 0.35, 0.5, 0.3, 0.45, 0.5, 0.2, 0.4, 0.55, 0.3]  # seconds
BLOCKING = (2, 4, 7)


async def main() -> None:
    server = Server(COMMAND, files={"mixed.py": APP})
    urls = [
        f"{server.url}/work?seconds={length}&block={number in BLOCKING}"
        for number, length in enumerate(LENGTHS)
    ]
    run = await steady(urls, rate=15, seconds=0.8)
    picture = run.timeline("Twelve requests, three workers", workers=server.workers)
    Path(__file__).with_suffix(".png").write_bytes(picture.png())
    print(picture.text, list(run.by_worker.values()))
    stop_all()


if __name__ == "__main__":
    asyncio.run(main())
