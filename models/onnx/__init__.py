"""Embedder and reader on onnxruntime."""
