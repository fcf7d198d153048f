"""The app of exercise 07, task 3: it loads the reader's data when it is imported."""

import gc
import os
import pickle

from fastapi import FastAPI

with open(os.environ["WORKERLAB_DATA"], "rb") as file:
    data, places = pickle.load(file)
if places is not None:  # see `pickled`
    data = type(data)(map(data.__getitem__, places))
del places
# The garbage collector writes into every object that it looks at. From here on, only /read does.
gc.freeze()
app = FastAPI()


@app.get("/read")
async def read() -> str:
    return str(sum(data))
