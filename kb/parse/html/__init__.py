"""Pages of the web: what a visitor reads of them."""
