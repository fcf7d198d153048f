"""Why an app did not start, from the end of what it wrote."""

import re

# What the last lines mean; the first that matches is told. Only the groups get into the sentence,
# and they are names: of a module, an attribute, a class of exceptions.
WHY = [
    (r"No module named '?([\w.]+)", "Python finds no module {0} there"),
    (r"Could not import module \"([\w.:]+)\"", "Python finds no module {0} there"),
    (r"Attribute \"([\w.]+)\" not found in module", "its module has no attribute {0}"),
    (r"Failed to find attribute '([\w.]+)'", "its module has no attribute {0}"),
    (r"class uri '([\w.]+)' invalid or not found", "there is no worker class {0}"),
    (r"unrecognized arguments|No such option", "the server does not know one of its options"),
    (
        r"(?s)(?:ConnectionRefusedError|OperationalError|ConnectionError|gaierror|ConnectError)"
        r"(?=.*(?:startup failed|Application startup))",
        "its start-up could not connect to something that it needs, such as a database. Start "
        "that, or name a different one with --env-file",
    ),
    (r"ValidationError", "it misses a setting, or has a wrong one; --env-file FILE gives them"),
    (r"(?m)^KeyError: ", "it misses an environment variable, perhaps; --env-file FILE gives them"),
    (r"startup failed", "the start-up part of its lifespan raised an exception"),
    (r"(?m)^(?:\w+\.)*(\w+(?:Error|Exception|Exit|Interrupt))\b", "loading it raised {0}"),
]


def why(log: str) -> str:
    """The likely cause as the end of a sentence; empty if it is none of the known ones."""
    for pattern, sentence in WHY:
        if match := re.search(pattern, log):
            return sentence.format(*match.groups())
    return ""
