"""Edge: Telegram, for customers and operators."""
