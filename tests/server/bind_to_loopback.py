"""A configuration of Gunicorn for test_probe.py: the port of $PORT, on this machine only."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
