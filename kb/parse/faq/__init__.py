"""Questions and answers in tables and documents: which column or heading is what."""
