"""Models in processes of their own: queue, supervision, and the pipes between."""
