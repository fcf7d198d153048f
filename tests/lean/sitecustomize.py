"""What a slow test's servers do without, so that each takes a fifth less CPU time to start.

With this folder on PYTHONPATH, every Python process imports this module when it starts
(https://docs.python.org/3/library/site.html). FastAPI imports pydantic.v1 at an app's first route,
only to ask whether a model is one of Pydantic 1; where it can't be imported, the answer is no.
"""

import sys

sys.modules["pydantic.v1"] = None  # an import raises ImportError
