"""The engine for inference servers: what it sends, and what it does when nobody answers.

That it computes what other engines do is shown by test_contract.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import create_server
from typing import Any

import numpy as np
import pytest

from faceserver.engines import EngineOptions, RemoteOptions, make_engine
from faceserver.engines.oip import OipEngine
from faceserver.engines.oip.client import form_of
from faceserver.engines.oip.network import OipNetwork
from faceserver.errors import EngineUnavailable, InvalidSetting, ModelError, TimedOut
from faceserver.models.remote import RemoteNetwork
from faceserver.models.spec import NetworkFiles
from faceserver.runtime import deadline
from faceserver.runtime.retrying import Retries
from faceserver.types import Floats
from tests.support.relay import Relay, relay_to
from tests.support.triton import MOST, Triton, triton_server

RNET = NetworkFiles(remote=RemoteNetwork(model="rnet"))
CROPS = np.zeros((2, 3, 24, 24), np.float32)
PROTOCOLS = ["grpc", "http"]


class Pauses:
    """Counts pauses instead of making them; may do something in one."""

    def __init__(self) -> None:
        self.count = 0
        self.then: Callable[[], None] | None = None

    def __call__(self, seconds: float) -> None:
        self.count += 1
        if self.then:
            self.then()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@contextmanager
def between(triton: Triton, protocol: str) -> Iterator[tuple[Relay, RemoteOptions]]:
    """A way to the server that can be closed, and the address of its beginning."""
    options = triton.options(protocol, timeout=5)
    with relay_to(int(options.url.rpartition(":")[2])) as relay:
        yield relay, replace(options, url=f"{protocol}://127.0.0.1:{relay.port}")


def engine(remote: RemoteOptions, pauses: Pauses, attempts: int = 4) -> OipEngine:
    retries = Retries(attempts=attempts, pause=pauses)
    return OipEngine(EngineOptions(threads=2, remote=remote), retries=retries)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_goes_away_is_told_of_and_found_again(
    triton: Triton, pauses: Pauses, protocol: str
) -> None:
    with between(triton, protocol) as (relay, options):
        network = engine(options, pauses).load(RNET, "f32")
        expected = network.predict({"data": CROPS})["prob1"]
        relay.close()
        with pytest.raises(EngineUnavailable):
            network.predict({"data": CROPS})
        assert pauses.count == 3
        relay.open = True
        # gRPC itself may still be in the second that it waits after a failure.
        patient = Retries(attempts=50, first=0.1, longest=0.1)
        answer = patient.run(lambda: network.predict({"data": CROPS}), EngineUnavailable)
        assert np.allclose(answer["prob1"], expected)


def test_a_call_is_made_again_where_the_first_one_broke_off(triton: Triton, pauses: Pauses) -> None:
    with between(triton, "http") as (relay, options):
        network = engine(options, pauses).load(RNET, "f32")
        expected = network.predict({"data": CROPS})["prob1"]
        relay.break_after["from"] = 20
        assert np.allclose(network.predict({"data": CROPS})["prob1"], expected)
        assert pauses.count == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_is_away_at_the_start_is_told_of(pauses: Pauses, protocol: str) -> None:
    pytest.importorskip("tritonclient")
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EngineUnavailable, match=str(port)):
        engine(RemoteOptions(f"{protocol}://127.0.0.1:{port}"), pauses).load(RNET, "f32")
    assert pauses.count == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nobody_waits_longer_than_the_request_or_the_setting_allows(
    triton: Triton, pauses: Pauses, protocol: str
) -> None:
    with between(triton, protocol) as (relay, options):
        network = engine(replace(options, timeout=0.3), pauses, attempts=1).load(RNET, "f32")
        relay.silent = True
        with pytest.raises(EngineUnavailable):
            network.predict({"data": CROPS})
        with deadline.deadline(0.1), pytest.raises(TimedOut, match="inference server"):
            network.predict({"data": CROPS})
        with deadline.deadline(-1), pytest.raises(TimedOut):
            network.predict({"data": CROPS})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_server_does_not_have_or_take_is_named(
    triton: Triton, pauses: Pauses, protocol: str
) -> None:
    ours = engine(triton.options(protocol), pauses)
    with pytest.raises(ModelError, match="nobody"):
        ours.load(NetworkFiles(remote=RemoteNetwork(model="nobody")), "f32")
    with pytest.raises(ModelError, match="version"):
        ours.load(NetworkFiles(remote=RemoteNetwork(model="rnet", version="7")), "f32")
    named = RemoteNetwork(model="rnet", outputs={"prob1": "OUTPUT__0"})
    with pytest.raises(ModelError, match=r"no 'OUTPUT__0'; it has .*prob1"):
        ours.load(NetworkFiles(remote=named), "f32")
    network = ours.load(RNET, "f32")
    with pytest.raises(ModelError, match="shape"):
        network.predict({"data": np.zeros((1, 3, 24, 11), np.float32)})
    assert pauses.count == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_servers_names_can_be_others(triton: Triton, pauses: Pauses, protocol: str) -> None:
    ours = engine(triton.options(protocol), pauses)
    named = RemoteNetwork(
        model="rnet", version="1", inputs={"pixels": "data"}, outputs={"face": "prob1"}
    )
    network = ours.load(NetworkFiles(remote=named), "f32")
    assert (network.inputs, set(network.outputs)) == (("pixels",), {"face", "conv5-2"})
    expected = ours.load(RNET, "f32").predict({"data": CROPS})
    assert np.allclose(network.predict({"pixels": CROPS})["face"], expected["prob1"])


def test_a_server_that_was_killed_and_started_again_is_used_again(
    triton: Triton, pauses: Pauses, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (first,) = [part for part in triton.process.process.args if "repository=" in str(part)]  # type: ignore[union-attr]
    source = Path(str(first).partition("=")[2])
    (repository / "rnet").symlink_to(source / "rnet")
    with triton_server(repository) as running:
        network = engine(running.options("grpc", timeout=5), pauses, 1).load(RNET, "f32")
        expected = network.predict({"data": CROPS})["prob1"]
    with pytest.raises(EngineUnavailable):
        network.predict({"data": CROPS})
    with triton_server(repository, [running.http_port, running.grpc_port]):
        patient = Retries(attempts=50, first=0.1, longest=0.1)
        answer = patient.run(lambda: network.predict({"data": CROPS}), EngineUnavailable)
    assert np.allclose(answer["prob1"], expected)


@pytest.mark.parametrize(
    "url", [None, "localhost:8001", "ftp://host:1", "grpc://host:1/path", "http://", "http://h/?x"]
)
def test_a_wrong_address_is_named(url: str | None) -> None:
    remote = RemoteOptions(url) if url else None
    with pytest.raises(InvalidSetting, match="FACESERVER_OIP_URL"):
        make_engine("oip", EngineOptions(remote=remote))


class Recorded:
    """A client of a model that doubles what it is sent; tells how many rows each call had."""

    def __init__(self, first: int = -1, most: int = 0, **more: Any) -> None:
        tensor = {"datatype": "FP32", "shape": [first, 3, 2, 2], **more}
        self._metadata = {
            "inputs": [{"name": "x", **tensor}],
            "outputs": [{"name": "y", **tensor}],
        }
        self._most = most
        self.rows: list[int] = []

    def metadata(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        return self._metadata

    def config(self, model: str, version: str, seconds: float) -> Mapping[str, Any]:
        return {"max_batch_size": self._most} if self._most else {}

    def infer(
        self,
        model: str,
        version: str,
        feeds: Mapping[str, Floats],
        outputs: Sequence[str],
        seconds: float,
    ) -> dict[str, Floats]:
        self.rows.append(len(feeds["x"]))
        return {"y": feeds["x"] * 2}


def network_of(client: Recorded) -> OipNetwork:
    remote = RemoteNetwork(model="double")
    return OipNetwork(client, remote, timeout=1, retries=Retries(attempts=1), at_once=1)


@pytest.mark.parametrize(
    ("client", "rows"),
    [
        (Recorded(), [10]),
        (Recorded(most=MOST), [4, 4, 2]),
        (Recorded(most=16), [10]),
        (Recorded(first=4), [4, 4, 4]),
        (Recorded(first=1), [1] * 10),
    ],
    ids=["any", "at most 4", "at most 16", "4 alone", "1 alone"],
)
def test_a_batch_is_split_as_the_server_takes_it(client: Recorded, rows: list[int]) -> None:
    network = network_of(client)
    given = np.random.default_rng(1).standard_normal((10, 3, 2, 2)).astype(np.float32)
    assert np.array_equal(network.predict({"x": given})["y"], given * 2)
    assert client.rows == rows


def test_other_numbers_than_floats_of_32_bits_are_refused() -> None:
    with pytest.raises(ModelError, match=r"double .* has x as FP16, not as FP32"):
        network_of(Recorded(datatype="FP16"))


def test_the_form_of_a_model_is_read_from_grpc_too_where_numbers_are_texts() -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": ["-1", "3"]}
    form = form_of("m", {"inputs": [tensor], "outputs": [tensor]}, {"max_batch_size": 8})
    assert (form.inputs, form.batch, form.always) == (("x",), 8, False)
