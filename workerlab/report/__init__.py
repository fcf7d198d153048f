"""`./learn report`: what the lessons measure, measured on an app of the reader's own.

One subject a module, in the order in which a report is made:

    options      the options
    command      the question, what it says, the exit status
    reader       what the reader typed, checked
    environment  what is installed in the reader's Python
    addresses    the reader's command with a loopback address instead of its own
    app          starting that command, with the watch around the app; ending it
    reasons      why it did not start, from the end of its log
    inject/      the watch: runs inside the reader's workers, standard library only
    client       one request, bounded in seconds and bytes; the ping beside it
    parameters   values for an endpoint's parameters
    endpoints    which endpoints there are, and which are left out, and why
    trying       one endpoint at a time, and what the watch saw of it
    kinds        what that makes it: awaits, blocks the loop, computes, ...
    experiments/ what is tried on the app as a whole, a module for each
    findings     what was done, what was seen, what to do
    making       the order of all that; report: what comes of it
    page         the report as HTML and Markdown; comparing: before and after
    notebook     the same parts one at a time, for lesson 13
"""
