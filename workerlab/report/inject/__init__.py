"""The watch, which runs inside the reader's workers: on their PYTHONPATH, standard library only."""
