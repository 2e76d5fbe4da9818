"""A listener that keeps the messages of a suite's execution."""

from benchmark.driver.progress import Quiet


class MessageListener(Quiet):
    """Keeps every message in `messages`."""

    def __init__(self):
        self.messages = []

    def say(self, message):
        self.messages.append(message)
