"""From the passages that were found to the reply that a customer reads."""
