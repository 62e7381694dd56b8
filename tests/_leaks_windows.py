"""What a test may not leave behind, on Windows.

Handles are counted by the tests in tests/windows, which know how many a
first call legitimately keeps; here the threads and the directory are watched.
"""

import os
import threading


class Watch:
    def __init__(self):
        self._cwd = os.getcwd()
        self._threads = set(threading.enumerate())

    def problems(self):
        found = []
        if os.getcwd() != self._cwd:
            found.append(f"working directory {os.getcwd()!r}")
        for thread in set(threading.enumerate()) - self._threads:
            found.append(f"thread {thread.name}")
        return found
