"""What a Uvicorn imports when it starts to serve.

An app which Gunicorn preloads imports this, so that it is done once and not by each worker.
"""

import uvicorn.lifespan.on
import uvicorn.loops.auto
import uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.auto  # noqa: F401
