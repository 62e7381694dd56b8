"""What a worker is told: programs, sizes and how long it may measure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    target: str
    """Exits at once; static where it can be built."""
    floor: str | None = None
    """The shared library of the C floor."""
    emit: str | None = None
    """Writes large output."""
    folder: str = "."
    """A folder of this benchmark run, for files that cases need."""

    seconds: float = 0.4
    """How long one worker measures, once it is warm."""
    calls: int = 8
    """Calls in one block."""
    thread_calls: int = 50
    """Runs of each thread in one block."""
    memory: int = 2048 * MIB
    descriptors: int = 19_000
    arguments: int = 5_000
    variables: int = 200
    output: int = 512 * MIB
    both_ways: int = 64 * MIB
    hold: float = 0.1
    """Seconds for which an exec is held up, where a stall is looked for."""

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Settings:
        return cls(**json.loads(text))


FULL: dict[str, Any] = {}
QUICK: dict[str, Any] = {
    "seconds": 0.1,
    "thread_calls": 20,
    "memory": 256 * MIB,
    "output": 64 * MIB,
    "both_ways": 16 * MIB,
}
TINY: dict[str, Any] = {
    "seconds": 0.0,
    "calls": 2,
    "thread_calls": 2,
    "memory": 8 * MIB,
    "descriptors": 300,
    "arguments": 50,
    "output": 2 * MIB,
    "both_ways": 1 * MIB,
    "hold": 0.02,
}
"""For the tests of the tool: its figures mean nothing."""


def scaled_down(settings: Settings, titles: str) -> list[str]:
    """Sentences about the sizes in these titles that are smaller than in a full run."""
    full = Settings(target=settings.target)
    notes = []
    for name, what, unit in (
        ("memory", "memory touched", MIB),
        ("descriptors", "descriptors open", 1),
        ("arguments", "arguments", 1),
        ("output", "output captured", MIB),
        ("both_ways", "data through cat", MIB),
    ):
        used, meant = getattr(settings, name), getattr(full, name)
        if used < meant and f"{{{name}}}" in titles:
            suffix = " MiB" if unit == MIB else ""
            notes.append(f"{what}: {used // unit:,}{suffix} instead of {meant // unit:,}{suffix}")
    return notes
