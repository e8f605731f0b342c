"""Pictures of the bot in use, from the messages it really sent.

``python -m tests.pictures docs/pictures`` lets a bot with the demo shop and the real models talk to
the loopback Bot API server, draws what stands in the chats as a page, and photographs it.
"""
