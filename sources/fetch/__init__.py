"""Fetching pages of the web without letting anybody steer this machine into its own network."""
