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
    left = [channel.receive(block=False) for _ in range(3)]
    assert taken == [0, 1, 2]
    assert [request and request.id for request in left] == [0, 2, None]
