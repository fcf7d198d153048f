"""The checks of the exercises: a package for each, and the modules they share."""
