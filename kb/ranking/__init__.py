"""From a question to candidates, each with the probability that it answers."""
