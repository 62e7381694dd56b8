"""The core's pure functions, built by the host's compiler and called through ctypes."""

import ctypes
import pathlib
import subprocess

CSRC = pathlib.Path(__file__).resolve().parents[2] / "csrc"


class Units(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Entry(ctypes.Structure):
    _fields_ = [
        ("name", Units),
        ("folded", Units),
        ("value", Units),
        ("position", ctypes.c_size_t),
    ]


def _utf16(text):
    return text.encode("utf-16-le", "surrogatepass")


def _text(data):
    return data.decode("utf-16-le", "surrogatepass")


class Pure:
    def __init__(self, folder):
        library = folder / "pure.so"
        sources = [CSRC / "windows" / name for name in ("cmdline.c", "envblock.c")]
        flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-O2"]
        command = ["cc", *flags, "-shared", "-fPIC", "-I", CSRC, *sources, "-o", library]
        subprocess.run(command, check=True)
        self._library = ctypes.CDLL(str(library))
        for name in "fp_cmdline", "fp_env_block", "fp_env_normalize":
            getattr(self._library, name).restype = ctypes.c_size_t

    def list2cmdline(self, args):
        data = [_utf16(arg) for arg in args]
        units = (Units * len(data))()
        for unit, text in zip(units, data, strict=True):
            unit.data = ctypes.cast(text, ctypes.c_void_p)
            unit.size = len(text) // 2
        size = self._library.fp_cmdline(units, ctypes.c_size_t(len(data)), None)
        out = ctypes.create_string_buffer(2 * size)
        assert self._library.fp_cmdline(units, ctypes.c_size_t(len(data)), out) == size
        return _text(out.raw[: 2 * size])

    def environment_block(self, env):
        alive = []
        entries = (Entry * max(len(env), 1))()
        for entry, (name, value) in zip(entries, env.items(), strict=False):
            for field, text in ("name", name), ("folded", name.upper()), ("value", value):
                data = _utf16(text)
                alive.append(data)
                setattr(entry, field, Units(ctypes.cast(data, ctypes.c_void_p), len(data) // 2))
        count = self._library.fp_env_normalize(entries, ctypes.c_size_t(len(env)))
        size = self._library.fp_env_block(entries, ctypes.c_size_t(count), None)
        out = ctypes.create_string_buffer(2 * size)
        assert self._library.fp_env_block(entries, ctypes.c_size_t(count), out) == size
        return _text(out.raw)
