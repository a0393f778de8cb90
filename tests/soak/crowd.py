"""Clients that do things of all kinds, at random and at once."""

import os
import random
import threading
from collections import Counter


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Again(Exception):
    """The proxy has asked for that: it was reloaded."""


class Crowd:
    """What the clients of one proxy share; says what kinds() there are."""

    NAME = "clients"
    THREADS = 1

    def __init__(self, child, ports, random_bytes):
        self.child = child
        self.target, self.web, self.proxy = ports
        self.bytes = random_bytes
        self.stop = threading.Event()
        self.counts = Counter()
        self.least = descriptors(child.process.pid)
        self.problems = []

    def kinds(self):
        """What a client can be like: functions of a random.Random."""
        raise NotImplementedError

    def renew(self, turn):
        """Write the files that the reload of this turn is to load."""

    def tunnel(self):
        """A tunnel that stays; an AssertionError if there is none."""
        raise NotImplementedError

    def refused(self):
        """The status of a tunnel that is one too many."""
        raise NotImplementedError

    def client(self, seed):
        """One thread."""
        rng = random.Random(seed)
        kinds = self.kinds()
        while not self.stop.is_set():
            kind = rng.choice(kinds)
            try:
                kind(rng)
            except Again:
                self.counts["(again)"] += 1
                continue
            except Exception as error:  # noqa: BLE001
                self.problems.append(f"{kind.__name__}: {error!r}")
                return
            self.counts[kind.__name__] += 1
