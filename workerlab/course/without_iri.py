"""Leaves out of jsonschema the check of IRIs, web addresses with letters beyond ASCII (RFC 3987).

JupyterLab and pytest import jsonschema, through nbformat, and no schema of theirs speaks of an IRI.
The package that knows their grammar takes longer to import than all the rest of JupyterLab, and
jsonschema does without it: https://python-jsonschema.readthedocs.io/en/stable/validate/

To be imported before jsonschema; by pytest it is, with the option `-p`.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # importing it raises ModuleNotFoundError
