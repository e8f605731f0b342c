"""The Telegram side, over real HTTP to the loopback Bot API."""
