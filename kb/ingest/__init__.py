"""From originals to rows: read, cut, embed, and compare with what is there."""
