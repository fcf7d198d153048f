"""An app whose handlers end only when they are told to: what task 3 serves.

`/hold?number=N` notes that it has begun in a file `N` of the folder $HELD, and ends once the file
`released` is there, some turns of the event loop later. So whatever has reached this worker before
the release is refused, or begins, before any handler ends: however busy the machine is. The reply
says whether it `waited`: whether another handler had ended before it began.
"""

import asyncio
import os
from pathlib import Path

from fastapi import FastAPI

FOLDER = "HELD"
RELEASED, ENDED = "released", "ended"
TURNS = 20  # of the event loop; a middleware may take several to refuse a request

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.get("/hold")
async def hold(number: int) -> dict[str, bool]:
    folder = Path(os.environ[FOLDER])
    waited = (folder / ENDED).exists()
    (folder / str(number)).touch()
    while not (folder / RELEASED).exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for _ in range(TURNS):
        await asyncio.sleep(0.01)
    (folder / ENDED).touch()
    return {"waited": waited}
