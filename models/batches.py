"""Which texts are computed together."""

from collections.abc import Iterator, Sequence


def batches(sizes: Sequence[int], *, most: int, number: int | None = None) -> Iterator[list[int]]:
    """Yield places of texts to compute at once: of like size, so that little is padded.

    A batch has `most` in all, counting each text as the longest, or one text that is longer;
    and at most `number` texts.
    """
    batch: list[int] = []
    for place in sorted(range(len(sizes)), key=sizes.__getitem__):
        if batch and (len(batch) == number or sizes[place] * (len(batch) + 1) > most):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
