"""What each command of `app.cli` does, by subject."""
