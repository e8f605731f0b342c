"""What can be searched: chunks, their rows, and the tables that hold them."""
