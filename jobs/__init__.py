"""Edge: time. Schedule, refresh, maintenance."""
