"""`python -m app` is the same as `answerdesk`."""

from app.main import main

main()
