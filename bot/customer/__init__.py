"""What customers do in Telegram: ask, press buttons, ask for a person, erase their data."""
