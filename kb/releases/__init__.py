"""How the knowledge base changes: files, entries and uploads become releases."""
