"""What a module hands to CreateProcessW, without starting anything: for comparing two modules.

The module's import table is made to point at a function of ours, which notes the arguments and fails.
"""

import contextlib
import ctypes
from ctypes import wintypes

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.GetModuleHandleW.restype = ctypes.c_void_p
kernel32.GetModuleHandleW.argtypes = [ctypes.c_wchar_p]
kernel32.VirtualProtect.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    wintypes.DWORD,
    ctypes.POINTER(wintypes.DWORD),
]

PROTOTYPE = ctypes.WINFUNCTYPE(
    wintypes.BOOL,
    ctypes.c_wchar_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    wintypes.BOOL,
    wintypes.DWORD,
    ctypes.c_void_p,
    ctypes.c_wchar_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
PAGE_READWRITE = 4
POINTER = 8  # bytes; 64-bit Windows only, as wine.sh makes it
# Offsets in a 64-bit STARTUPINFOEXW, and the size of the STARTUPINFOW that it begins with.
DW_FLAGS, SHOW_WINDOW, STD_HANDLES, ATTRIBUTES = 60, 64, 80, 104
PLAIN_SIZE = ATTRIBUTES
EXTENDED_STARTUPINFO_PRESENT = 0x00080000
UPDATE = ctypes.WINFUNCTYPE(
    wintypes.BOOL,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
CREATE_PIPE = ctypes.WINFUNCTYPE(
    ctypes.c_void_p, ctypes.c_wchar_p, *[wintypes.DWORD] * 6, ctypes.c_void_p
)
HANDLE_LIST = 0x00020002  # PROC_THREAD_ATTRIBUTE_HANDLE_LIST
HANDLE_FLAG_INHERIT = 1


def _number(address, size):
    return int.from_bytes(ctypes.string_at(address, size), "little")


def _import_slot(module, function):
    """The address of the pointer through which a loaded module calls an imported function."""
    header = module + _number(module + 0x3C, 4)
    descriptor = module + _number(header + 24 + 120, 4)
    while _number(descriptor + 12, 4):
        names = module + _number(descriptor, 4)
        slot = module + _number(descriptor + 16, 4)
        while _number(names, POINTER):
            name = _number(names, POINTER)
            if not name >> 63 and ctypes.string_at(module + name + 2) == function:
                return slot
            names += POINTER
            slot += POINTER
        descriptor += 20
    raise LookupError(f"{function.decode()} is not imported")


def _put_pointer(slot, value):
    old = wintypes.DWORD()
    kernel32.VirtualProtect(slot, POINTER, PAGE_READWRITE, ctypes.byref(old))
    ctypes.c_void_p.from_address(slot).value = value
    kernel32.VirtualProtect(slot, POINTER, old, ctypes.byref(old))


def _block(address):
    """An environment block, its final NULs included, as text."""
    if not address:
        return None
    size = 0
    while _number(address + 2 * size, 4):
        size += 1
    return ctypes.string_at(address, 2 * size + 4).decode("utf-16-le", "surrogatepass")


def _handles(address, count):
    return [_number(address + POINTER * i, POINTER) for i in range(count)]


def _is_inheritable(handle):
    flags = wintypes.DWORD()
    assert kernel32.GetHandleInformation(ctypes.c_void_p(handle), ctypes.byref(flags)), handle
    return bool(flags.value & HANDLE_FLAG_INHERIT)


def _noted(seen):
    def create_process(program, line, _process, _thread, inherit, flags, env, cwd, startup, _info):
        seen.append(
            {
                "program": program,
                "line": None if line is None else ctypes.wstring_at(line),
                "inherit": bool(inherit),
                "flags": flags & ~EXTENDED_STARTUPINFO_PRESENT,
                "env": _block(env),
                "cwd": cwd,
                "startup flags": _number(startup + DW_FLAGS, 4),
                "show window": _number(startup + SHOW_WINDOW, 2),
                "std handles": sum(
                    _number(startup + STD_HANDLES + 8 * i, 8) != 0 for i in range(3)
                ),
            }
        )
        return 0

    return PROTOTYPE(create_process)


@contextlib.contextmanager
def _replaced(module, name, function):
    slot = _import_slot(module, name)
    original = ctypes.c_void_p.from_address(slot).value
    _put_pointer(slot, ctypes.cast(function, ctypes.c_void_p).value)
    try:
        yield original
    finally:
        _put_pointer(slot, original)


@contextlib.contextmanager
def captured(module):
    """A list to which each CreateProcessW call of that module adds its arguments, as a dict.

    module: the name of a loaded module, or where it is loaded.
    """
    seen = []
    if isinstance(module, str):
        module = kernel32.GetModuleHandleW(module)
    with _replaced(module, b"CreateProcessW", _noted(seen)):
        yield seen


def named_pipes(module_name, start):
    """The pipes that start() makes: (name, open mode, pipe mode, most instances) of each."""
    seen = []

    def create(*arguments):
        seen.append(arguments[:4])
        return CREATE_PIPE(original)(*arguments)

    module = kernel32.GetModuleHandleW(module_name)
    with _replaced(module, b"CreateNamedPipeW", CREATE_PIPE(create)) as original:
        start()
    return seen


def kind_of_startup(module_name, start):
    """What start() tells Windows of its STARTUPINFO: (its size, whether it is an extended one,
    whether it has an attribute list, which only an extended one has).
    """
    seen = []

    def create_process(*arguments):
        flags, startup = arguments[5], arguments[8]
        size = _number(startup, 4)
        extended = bool(flags & EXTENDED_STARTUPINFO_PRESENT)
        seen.append((size, extended, extended and _number(startup + ATTRIBUTES, POINTER) != 0))
        return 0

    module = kernel32.GetModuleHandleW(module_name)
    with (
        _replaced(module, b"CreateProcessW", PROTOTYPE(create_process)),
        contextlib.suppress(OSError),
    ):
        start()
    (kind,) = seen
    return kind


def start_with_handles(module_name, start):
    """What start() makes of its handles: (the three standard ones, the list that goes with them,
    whether each of the list is inheritable), as that module tells Windows.
    """
    lists, std = [], []

    def update(attributes, flags, attribute, value, size, previous, returned):
        assert attribute == HANDLE_LIST
        handles = _handles(value, size // POINTER)
        lists.append((handles, [_is_inheritable(handle) for handle in handles]))
        return UPDATE(original)(attributes, flags, attribute, value, size, previous, returned)

    def create_process(*arguments):
        std.append(_handles(arguments[8] + STD_HANDLES, 3))
        return 0

    module = kernel32.GetModuleHandleW(module_name)
    with (
        _replaced(module, b"UpdateProcThreadAttribute", UPDATE(update)) as original,
        _replaced(module, b"CreateProcessW", PROTOTYPE(create_process)),
        contextlib.suppress(OSError),
    ):
        start()
    return std, lists
