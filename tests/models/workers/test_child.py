"""The child's side of a model process."""

import io

from models.workers.child import Channel, Request


def test_what_came_before_anybody_listened_is_put_to_the_listener() -> None:
    """A question that comes right after "ready" must not wait behind a batch that came first."""
    channel = Channel(io.BytesIO(), io.BytesIO())
    for number, method in enumerate(("embed", "count", "embed")):
        channel._arrive(Request(number, method, {}))
    taken = []

    def take(request: Request) -> bool:
        taken.append(request.id)
        return request.method == "count"

    channel.intercept(take)
    left = [channel.requests.get_nowait().id for _ in range(channel.requests.qsize())]
    assert (taken, left) == ([0, 1, 2], [0, 2])
