"""Files of models: where they come from, how they are checked, what they are."""
