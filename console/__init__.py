"""Edge: web pages, HTTP API, health and metrics."""
