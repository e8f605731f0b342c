"""Words of any language: sentences, stems, word lists, numbers, dates. Knows nothing of files."""
