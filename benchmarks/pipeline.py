"""Many pictures into a new gallery (``python -m benchmarks.pipeline --pictures 5000``).

The same photograph comes again and again, each time with another height and other grey values, so
that each is read, decoded, searched for faces, embedded and stored. Told is how busy the processor
was, what it was busy with, and how much memory was held along the way.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.pictures import portrait, variants
from benchmarks.report import Row, table
from benchmarks.served import CACHE, STAGES
from faceserver.app import open_services
from faceserver.config import load_settings
from faceserver.runtime import metrics
from faceserver.runtime.threads import pictures_at_once, processors
from faceserver.services.outcomes import NewPicture, Registered, Rules
from faceserver.store.base import DEFAULT

WARM_UP = 32


def items(count: int, begin: int = 0) -> Iterator[NewPicture]:
    for number, data in enumerate(variants(portrait(CACHE), count, begin), start=begin):
        yield NewPicture(f"picture {number}", lambda data=data: data)  # type: ignore[misc]


def megabytes() -> float:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def stage_seconds() -> float:
    """Seconds that all threads have spent so far in decoding, detecting and embedding."""
    sums = (
        sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if sample.name == "faceserver_stage_seconds_sum" and sample.labels["stage"] in STAGES[:3]
    )
    return sum(sums)


def measure(pictures: int) -> list[Row]:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        settings = load_settings(data_dir=Path(folder) / "data")
        with closing(open_services(settings)) as services:
            services.context.analyzer.warm_up()
            rules, register = Rules(at_once=pictures_at_once()), services.registering.stream
            list(register(DEFAULT, items(WARM_UP), rules))
            held = [megabytes()]
            busy, spent, start = process_time(), stage_seconds(), perf_counter()
            for number, outcome in enumerate(
                register(DEFAULT, items(pictures, WARM_UP), rules), start=1
            ):
                assert isinstance(outcome, Registered), outcome
                if number % max(1, pictures // 10) == 0:
                    held.append(megabytes())
            seconds = perf_counter() - start
            busy, spent = process_time() - busy, stage_seconds() - spent
    available = seconds * processors()
    return [
        Row("pictures a second", "import", pictures / seconds, "/s", f"{pictures:,} pictures"),
        Row("processor busy", "import", 100 * busy / available, "%", "of what there is"),
        Row("threads in decode, detect, embed", "import", spent / seconds, "", "on average"),
        Row("memory at the start", "import", held[0], "MB"),
        Row("memory after a tenth", "import", held[1], "MB"),
        Row("memory at the end", "import", held[-1], "MB", f"{max(held):.0f} at most"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    print(table(measure(parser.parse_args().pictures)))


if __name__ == "__main__":
    main()
