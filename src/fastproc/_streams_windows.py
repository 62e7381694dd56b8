"""The file objects of a Popen's pipes on Windows.

communicate() reads and writes the pipes past them, by the core's threads, but must not
lose what lies in their buffers. So their raw files know what went through them, and can
for a moment stand between the buffers and what communicate() has read, or shall write.
"""

import io
import os


class PipeReader(io.FileIO):
    """Our end of a child's stdout or stderr."""

    touched = False  # somebody has read: there may be more in a buffer
    _replay = None  # what communicate() has read, for the buffers to take

    def replay(self, data):
        """From now on reading gives `data`, and then the end."""
        self._replay = io.BytesIO(data)

    def read(self, size=-1, /):
        self.touched = True
        return (super() if self._replay is None else self._replay).read(size)

    def readinto(self, buffer, /):
        self.touched = True
        return (super() if self._replay is None else self._replay).readinto(buffer)

    def readall(self):
        self.touched = True
        return super().readall() if self._replay is None else self._replay.read()


class PipeWriter(io.FileIO):
    """Our end of a child's stdin."""

    _captured = None

    def write(self, data, /):
        if self._captured is None:
            return super().write(data)
        self._captured.append(bytes(data))
        return memoryview(data).nbytes

    def encoded(self, stream, text):
        """What `stream`, which is above this file, would write for `text`: bytes."""
        stream.flush()
        self._captured = captured = []
        try:
            stream.write(text)
            stream.flush()
        finally:
            self._captured = None
        return b"".join(captured)


def open_pipe(fd, mode, bufsize):
    """A file object for our end of a pipe, as io.open() makes it; it owns the descriptor."""
    kind, buffered = PipeReader, io.BufferedReader
    if mode == "wb":
        kind, buffered = PipeWriter, io.BufferedWriter
    try:
        raw = kind(fd, mode)
    except BaseException:
        os.close(fd)
        raise
    try:
        if bufsize == 0:
            return raw
        return buffered(raw, bufsize if bufsize > 0 else io.DEFAULT_BUFFER_SIZE)
    except BaseException:
        raw.close()
        raise


def raw_of(stream):
    """The PipeReader or PipeWriter below a file object of ours."""
    for name in "buffer", "raw":
        stream = getattr(stream, name, stream)
    return stream
