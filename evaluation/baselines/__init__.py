"""What `answerdesk bench` compares with, each in a process of its own.

Nothing of the product imports this, and nothing here imports the product.
"""
