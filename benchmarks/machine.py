"""Facts about the machine and the interpreter, for the header."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Container
from datetime import datetime, timezone
from typing import Any

from benchmarks import peers


def facts() -> dict[str, str]:
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": _python(),
        "libc": " ".join(platform.libc_ver()).strip() or "not known",
        "load": _load(),
        "fastproc": _fastproc(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def peer_versions(missing: Container[str]) -> dict[str, str]:
    """Of those peers that have one of their own and take part."""
    return {
        name: version
        for name in peers.PEERS
        if name not in missing and (version := peers.version(name)) is not None
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            fields: dict[str, str] = {}
            for line in lines:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value.strip())
        name = fields.get("model name") or fields.get("Hardware") or ""
        if name and not name.isdigit() and name != "unknown":
            return name
        numbers = [
            f"{label} {fields[key]}"
            for label, key in (("family", "cpu family"), ("model", "model"))
            if key in fields
        ]
        if numbers:
            return " ".join([fields.get("vendor_id", ""), *numbers]).strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "not known"


def _cores() -> str:
    total = os.cpu_count() or 0
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
        if usable != total:
            return f"{usable} of {total}"
    return str(total)


def _load() -> str:
    """What others do at the same time makes every figure worse."""
    if not hasattr(os, "getloadavg"):
        return "not known"
    return f"{os.getloadavg()[0]:.1f} in the minute before"


def _python() -> str:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        text += " free-threaded"
    return f"{text}, {platform.python_compiler()}"


def _fastproc() -> str:
    """Version and the route that a run takes here."""
    if peers.missing("fastproc"):
        return "not installed"
    try:
        import fastproc
    except ImportError as error:
        return f"cannot be imported: {error}"
    version = peers.version("fastproc") or getattr(fastproc, "__version__", "of no version")
    text = f"{version}, {_route(fastproc)}"
    forced = os.environ.get("FASTPROC_ROUTE")
    return f"{text} (forced by FASTPROC_ROUTE={forced})" if forced else text


def _route(fastproc: Any) -> str:
    run = fastproc.run
    run([sys.executable, "-S", "-c", "pass"])
    native = getattr(fastproc, "_native", None)
    last_route = getattr(native, "last_route", None)
    return f"route {last_route()}" if last_route else "route not told"
