"""The generator on llama.cpp."""
