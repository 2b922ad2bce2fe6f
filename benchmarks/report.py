"""What the benchmarks measure, as rows: a table for the screen, and JSON for other programs."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: it is measured.
        who: has it.
        value: None where it could not be measured.
        unit: of the value.
        note: what else there is to say, such as why it could not be measured.
    """

    what: str
    who: str
    value: float | None
    unit: str
    note: str = ""


def machine() -> dict[str, object]:
    """The machine, without its name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    fields = {name.strip(): value.strip() for name, value in pairs}
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", "unknown"),
        "cores": len(os.sched_getaffinity(0)),
        "extensions": [name for name in wanted if name in flags],
        "memory_gb": round(memory / 2**30),
    }


def state() -> str:
    """How quiet the machine was before anything was measured."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    busy = f"busy with other work (load {load:.1f} on {cores} cores), so that ratios alone count"
    return busy if load > 0.5 * cores else "nothing else was running"


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| what | who | value | |", "|---|---|---|---|"]
    for row in rows:
        value = "-" if row.value is None else f"{row.value:,.4g} {row.unit}".strip()
        lines.append(f"| {row.what} | {row.who} | {value} | {row.note} |")
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    return [asdict(row) for row in rows]
