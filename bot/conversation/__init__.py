"""What all handlers share: how they answer, in which words, and how a reply is shown."""
