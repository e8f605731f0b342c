"""From originals to rows: parse, chunk, embed, and compare with what is stored."""
