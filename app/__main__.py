"""`python -m app` is the same as `answerdesk`."""

from app.cli import main

main()
