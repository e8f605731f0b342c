"""Between Telegram and the handlers: every message stored first, handled once, sent once."""
