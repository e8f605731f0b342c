"""Knowledge: parse, chunk, index, retrieve, decide, answer, verify."""
