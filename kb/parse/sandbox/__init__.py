"""The confined process that reads files, and how the service talks to it."""
