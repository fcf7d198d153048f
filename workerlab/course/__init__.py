"""The commands of ./learn, and the reader's own copy of the course."""
