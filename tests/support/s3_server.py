"""A real S3 server, SeaweedFS, on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceserver.store.pictures import PlaceOptions
from tests.support.servers import cannot_run, free_ports, running, weed

KEY, SECRET = "faces", "a secret of the tests"
_OWNER = "owner"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a client of the server has in its environment."""


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket."""

    endpoint: str
    bucket: str = "faces"

    def options(self, prefix: str, *, endpoint: str | None = None) -> PlaceOptions:
        """The bucket with a prefix of its own, directly or through another address."""
        url = f"s3://{self.bucket}/{prefix}"
        return PlaceOptions(url, endpoint=endpoint or self.endpoint, region="us-east-1")


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """A server while the context lasts; it keeps what it is given below the folder."""
    try:
        import boto3  # noqa: PLC0415 - an extra
    except ImportError:
        cannot_run("boto3 is not installed: make test installs it")
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [*_identities()]}))
    ports = free_ports(8)
    with running(_command(folder, config, ports), folder, "Start Seaweed S3 API Server"):
        server = S3Server(f"http://127.0.0.1:{ports[6]}")
        owner = boto3.session.Session(_OWNER, SECRET, region_name="us-east-1")
        owner.client("s3", endpoint_url=server.endpoint).create_bucket(Bucket=server.bucket)
        try:
            yield server
        finally:
            for port in ports[1::2]:
                for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                    path.unlink()


def _identities() -> Iterator[dict[str, object]]:
    """Who makes the bucket, and who may use it and no other."""
    actions = {_OWNER: ["Admin"], KEY: [f"{what}:faces" for what in ("Read", "Write", "List")]}
    for name, allowed in actions.items():
        who = {"accessKey": name, "secretKey": SECRET}
        yield {"name": name, "credentials": [who], "actions": allowed}


def _command(folder: Path, config: Path, ports: list[int]) -> list[str | Path]:
    names = ("master", "volume", "filer", "s3")
    addresses = [
        option
        for number, name in enumerate(names)
        for option in (
            f"-{name}.port={ports[2 * number]}",
            f"-{name}.port.grpc={ports[2 * number + 1]}",
        )
    ]
    return [
        weed(),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        *addresses,
        f"-s3.config={config}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=20",
        "-master.telemetry=false",
    ]
