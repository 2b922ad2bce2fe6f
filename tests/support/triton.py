"""A real NVIDIA Triton, for processors alone, on loopback."""

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from faceserver.conversion.triton import export_triton
from faceserver.engines import RemoteOptions
from faceserver.models.files import FoundModel
from tests.support.servers import Running, cannot_run, free_ports, running, tritonserver

MOST = 4
"""Rows that its networks take at once: fewer than the tests send."""


@dataclass(frozen=True)
class Triton:
    """A running server."""

    http_port: int
    grpc_port: int
    process: Running

    def options(self, protocol: str, *, timeout: float = 30.0) -> RemoteOptions:
        port = self.http_port if protocol == "http" else self.grpc_port
        return RemoteOptions(f"{protocol}://127.0.0.1:{port}", timeout)


def exported(models: Iterable[FoundModel], folder: Path) -> Path:
    """A model repository for the server, whose networks this Python runs."""
    export_triton(models, folder, backend="python", most=MOST)
    return folder


@contextmanager
def triton_server(repository: Path, ports: list[int] | None = None) -> Iterator[Triton]:
    """A server while the context lasts, once every model of the repository is loaded."""
    try:
        import tritonclient.grpc  # noqa: PLC0415 - an extra
        import tritonclient.http  # noqa: F401, PLC0415
    except ImportError:
        cannot_run("tritonclient is not installed: make test installs it")
    home = tritonserver()
    _put_stub(home)
    http_port, grpc_port = ports or free_ports(2)
    memory = f"faceserver-tests-{http_port}-"
    command: list[str | Path] = [
        home / "bin" / "tritonserver",
        f"--model-repository={repository}",
        f"--backend-directory={home / 'backends'}",
        "--http-address=127.0.0.1",
        f"--http-port={http_port}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={grpc_port}",
        "--allow-metrics=false",
        f"--backend-config=python,shm-region-prefix-name={memory}",
    ]
    ready = ("Started HTTPService", "Started GRPCInferenceService")
    try:
        with running(command, repository, *ready, environment=_environment()) as process:
            yield Triton(http_port, grpc_port, process)
    finally:  # it was killed, and could not do that itself
        for path in Path("/dev/shm").glob(f"{memory}*"):
            path.unlink()


def _put_stub(home: Path) -> None:
    """Have Triton's backend start this version of Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = home / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        cannot_run(f"Triton's backend does not know Python {version}")
    target = home / "backends" / "python" / stub.name
    if not target.is_file() or target.read_bytes() != stub.read_bytes():
        copyfile(stub, target)
    for program in (target, home / "bin" / "tritonserver"):
        program.chmod(0o755)


def _environment() -> dict[str, str]:
    """Where its Python finds its library, and the packages of ours."""
    libraries = [sysconfig.get_config_var("LIBDIR") or "", os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(path for path in libraries if path),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if "site-packages" in path),
    }
