"""Edge: Telegram, for customers and operators. The only home of python-telegram-bot."""

import os

# Durations as timedelta, as python-telegram-bot will have them; otherwise it warns at each 429.
os.environ.setdefault("PTB_TIMEDELTA", "true")
