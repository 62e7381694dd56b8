"""Text modes: which encoding, and what is done to line ends. The same on every system."""

import os
import sys
from subprocess import SubprocessError

_PACKAGE = os.path.dirname(__file__) + os.sep


def mode(encoding, errors, text, universal_newlines):
    """Whether the streams carry text: a true value, as Popen.text_mode shows it."""
    if (
        text is not None
        and universal_newlines is not None
        and bool(universal_newlines) != bool(text)
    ):
        raise SubprocessError(
            "Cannot disambiguate when both text "
            "and universal_newlines are supplied but "
            "different. Pass one or the other."
        )
    return encoding or errors or text or universal_newlines


def settled(options, piped):
    """The codec and the error handler that Popen's keywords ask for; None: bytes."""
    encoding = options.get("encoding")
    errors = options.get("errors")
    if not mode(encoding, errors, options.get("text"), options.get("universal_newlines")):
        return None, None
    if encoding is None:
        encoding = default_encoding()
    if piped:
        check(encoding, errors)
    return codec(encoding), errors or "strict"


def default_encoding():
    """The locale's encoding, or UTF-8 in UTF-8 mode; warns where Python is told to."""
    if sys.flags.warn_default_encoding:
        warn_caller("'encoding' argument not specified.", EncodingWarning)
    if sys.flags.utf8_mode:
        return "utf-8"
    return _encoding_of_locale()


def _encoding_of_locale():
    import locale  # costs more than all else here, and is seldom needed

    if sys.version_info >= (3, 11):
        return locale.getencoding()
    return locale.getpreferredencoding(False)


def codec(encoding):
    """The codec of a text file's encoding: "locale" is a name that only files know."""
    # Asked for its type first: bytes are let through where nothing is encoded (python -bb).
    if isinstance(encoding, str) and encoding == "locale":
        return _encoding_of_locale()
    return encoding


def warn_caller(message, category):
    """Warns at the line that called into this package."""
    import warnings

    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, level)


def check(encoding, errors):
    """Raises what a pipe's file object would, for these: before there is a child."""
    if type(encoding) is str and (errors is None or type(errors) is str):
        try:
            # Which asks for the error handler, too, where Python is told to (-X dev).
            "".encode(encoding, errors or "strict")
            return
        except (LookupError, ValueError):
            pass
    import io

    io.TextIOWrapper(io.BytesIO(), encoding, errors)


def encoded(text, encoding, errors, beside_output=False):
    """Text as bytes with this system's line ends, as a text file writes them.

    What is no text is refused in the words of what would send it: on POSIX, where output
    is read meanwhile, its encode(); else a text file's write(), which nobody calls with
    what is empty.
    """
    if not isinstance(text, str) and (os.linesep != "\n" or not beside_output):
        if not text:
            return b""
        raise TypeError(f"write() argument must be str, not {type(text).__name__}")
    if os.linesep != "\n":
        text = text.replace("\n", os.linesep)
    return text.encode(encoding, errors)


def decoded(data, encoding, errors):
    """Bytes as text with the line ends of Python's universal newlines."""
    text = data.decode(encoding, errors)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text
