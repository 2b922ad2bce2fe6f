"""How many threads do what: the one place that decides it.

A processor that is asked to do two things at once does both more slowly. So a request computes in
its own thread, detection's networks included, and hardly more pictures are worked on at the same
time than there are processors; others wait for their turn. Only what is large, such as a photograph
of 12 million pixels or the faces of a crowd, is shared out among threads that help. BLAS would use
the request's thread in any case: its own threads would not survive the copies of the process that
save the index, see :mod:`faceserver.store.index.snapshot`.
"""

import os
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePosixPath

_REQUESTS_A_PROCESSOR = 4
"""A request mostly waits: for its turn at the network, for the disk, for the client."""

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class ThreadPlan:
    """Who has how many threads.

    Attributes:
        networks: processors that a network may compute on: so many predictions at the same time
            where the runtime makes several, else threads of one.
        pictures: that are decoded and searched at the same time: one more than there are
            processors, since each waits now and then for its turn at the interpreter.
        helpers: of the detector, and as many of the embedder, that work on parts of what is large
            beside the thread that has it, where a network makes several predictions at a time.
        workers: requests that are served at the same time.
        opencv: that OpenCV uses for one call.
    """

    networks: int
    pictures: int
    helpers: int
    workers: int
    opencv: int


def plan(*, engine: str, threads: int = 0, workers: int = 0) -> ThreadPlan:
    """Share out the processors.

    Args:
        engine: the runtime's name; OpenCV's networks have no threads but its own.
        threads: for the networks; 0 takes the processors that the process may use.
        workers: requests at the same time; 0 takes four a processor.
    """
    networks = threads or processors()
    return ThreadPlan(
        networks=networks,
        pictures=networks + 1,
        helpers=networks - 1,
        workers=workers or _REQUESTS_A_PROCESSOR * processors(),
        opencv=networks if engine == "opencv" else 1,
    )


def pictures_at_once() -> int:
    """Pictures that an import works on at the same time: two a processor.

    While one of them waits for the disk, the other computes.
    """
    return 2 * processors()


def limit_libraries(
    planned: ThreadPlan, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Tell the libraries, which read it when they are first loaded; what is set already stays.

    Call it before numpy or OpenCV is imported.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.setdefault(name, "1")
    environment.setdefault("OPENCV_FOR_THREADS_NUM", str(planned.opencv))


def processors(cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUPS) -> int:
    """Processors that this process may use: by its affinity, and by the quotas of its cgroups.

    A quota of one and a half processors counts as two.

    Args:
        cgroups: where the system shows cgroups.
        own: where it tells those of this process.
    """
    allowed = len(os.sched_getaffinity(0))
    return max(1, min([allowed, *(ceil(quota) for quota in _quotas(cgroups, own))]))


def _quotas(cgroups: Path, own: Path) -> Iterator[float]:
    """What the process's cgroups, and those that these are in, allow: in processors."""
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        unified = controllers == ""
        if not unified and "cpu" not in controllers.split(","):
            continue
        top = cgroups if unified else cgroups / "cpu"
        # Inside a container the path is often the host's, and the container's own group the top.
        inner = PurePosixPath(path.lstrip("/"))
        for group in [top / inner, *(top / parent for parent in inner.parents), top]:
            yield from _unified_quota(group) if unified else _legacy_quota(group)


def _unified_quota(group: Path) -> Iterator[float]:
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        yield int(quota) / int(period)


def _legacy_quota(group: Path) -> Iterator[float]:
    quota, period = (_read(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    if quota.isdigit() and period.isdigit():  # without a limit it is -1
        yield int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # there are no cgroups, or not these
        return ""
