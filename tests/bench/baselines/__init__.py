"""What is compared with, each in a process of its own; nothing else imports it."""
