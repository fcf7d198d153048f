"""On PYTHONPATH in the slow tests: their thousands of workers start with a tenth less CPU time.

FastAPI asks of every annotation whether it is a class of pydantic.v1, and imports that for the
question. Where it cannot be imported the answer is no: right for the apps here, which have none.
https://github.com/fastapi/fastapi/blob/0.165.0/fastapi/_compat/shared.py
"""

import sys

sys.modules["pydantic.v1"] = None  # importing it raises ModuleNotFoundError
