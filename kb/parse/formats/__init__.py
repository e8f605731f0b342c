"""One module for each format, and what only that format needs."""
