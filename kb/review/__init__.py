"""What is checked before texts go live: golden questions, conflicts, what would change."""
