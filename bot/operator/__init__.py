"""What the team does in Telegram: topics of customers, files, entries, open questions."""
