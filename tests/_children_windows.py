"""The children of _children_posix, for a system without a shell of ours."""

import sys


def _python(code, *args):
    return [sys.executable, "-c", "import sys, time\n" + code, *args]


def true():
    return _python("")


def leave(code):
    return _python(f"sys.exit({code})")


def say(out="", err="", code=0):
    return _python(
        "sys.stdout.buffer.write(sys.argv[1].encode())\n"
        "sys.stdout.flush()\n"
        "sys.stderr.buffer.write(sys.argv[2].encode())\n"
        "sys.exit(int(sys.argv[3]))",
        out,
        err,
        str(code),
    )


def echo():
    # As it comes, like cat: some tests read the answer before they close stdin.
    return _python(
        "while data := sys.stdin.buffer.read1(65536):\n"
        "    sys.stdout.buffer.write(data)\n"
        "    sys.stdout.flush()"
    )


def echo_both():
    return _python(
        "data = sys.stdin.buffer.read()\n"
        "sys.stdout.buffer.write(data)\n"
        "sys.stderr.buffer.write(data)"
    )


def linger():
    return _python("time.sleep(60)")


def say_then_linger(out):
    return _python(
        "sys.stdout.buffer.write(sys.argv[1].encode())\nsys.stdout.flush()\ntime.sleep(60)", out
    )


def ignore_stdin():
    return _python("sys.stdin.close()")


def shell_quote(text):
    return '"' + text + '"'
