"""A network on an inference server, for those who call it like any other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from faceserver.engines.base import Network
from faceserver.engines.oip.client import Client, UnknownModel, form_of
from faceserver.errors import EngineUnavailable, ModelError, TimedOut
from faceserver.models.remote import RemoteNetwork
from faceserver.runtime import deadline
from faceserver.runtime.retrying import Retries
from faceserver.types import Floats, Image


@dataclass(frozen=True)
class _Names:
    """What the tensors of one side are called: here, and on the server."""

    here: tuple[str, ...]
    there: tuple[str, ...]


class OipNetwork(Network):
    """Sends batches that the server takes, again where it does not answer."""

    def __init__(
        self,
        client: Client,
        remote: RemoteNetwork,
        *,
        timeout: float,
        retries: Retries,
        at_once: int,
    ) -> None:
        """Ask the server what the network is like.

        Args:
            client: of the server.
            remote: the network there.
            timeout: seconds that one call may last.
            retries: how often a server that does not answer is asked again.
            at_once: calls that a caller may make at the same time.

        Raises:
            EngineUnavailable: the server does not answer.
            ModelError: it has no such network, or one of another form.
        """
        self._client, self._remote = client, remote
        self._timeout, self._retries = timeout, retries
        self.at_once = at_once
        who = (remote.model, remote.version)
        self._form = retries.run(
            lambda: form_of(
                remote.model,
                client.metadata(*who, self._seconds()),
                client.config(*who, self._seconds()),
            ),
            EngineUnavailable,
        )
        self._inputs = self._named(self._form.inputs, remote.inputs)
        self._outputs = self._named(self._form.outputs, remote.outputs)
        self.inputs, self.outputs = self._inputs.here, self._outputs.here

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        sent = {
            there: np.ascontiguousarray(feeds[here], np.float32)
            for here, there in zip(self._inputs.here, self._inputs.there, strict=True)
        }
        count = len(next(iter(sent.values())))
        step = self._form.batch or max(count, 1)
        parts = [
            self._part({name: array[start : start + step] for name, array in sent.items()})
            for start in range(0, max(count, 1), step)
        ]
        return {
            here: np.concatenate([part[there] for part in parts])
            for here, there in zip(self._outputs.here, self._outputs.there, strict=True)
        }

    def _part(self, feeds: dict[str, Floats]) -> dict[str, Floats]:
        """One call: filled up to the number of rows that the server insists on, if it does."""
        count = len(next(iter(feeds.values())))
        if self._form.always and self._form.batch:
            lacking = self._form.batch - count
            feeds = {
                name: np.concatenate([array, np.zeros((lacking, *array.shape[1:]), np.float32)])
                for name, array in feeds.items()
            }
        answer = self._retries.run(lambda: self._infer(feeds), EngineUnavailable)
        for name in self._outputs.there:
            if len(answer[name]) < count:
                raise ModelError(
                    f"the model {self._remote.model} of the inference server gives "
                    f"{len(answer[name])} rows of {name} for {count}"
                )
        return {name: array[:count] for name, array in answer.items()}

    def _infer(self, feeds: dict[str, Floats]) -> dict[str, Floats]:
        try:
            return self._client.infer(
                self._remote.model,
                self._remote.version,
                feeds,
                self._outputs.there,
                self._seconds(),
            )
        except UnknownModel as error:  # it was there: it is being loaded anew, or replaced
            raise EngineUnavailable(str(error)) from error
        except EngineUnavailable as error:
            if deadline.left() <= 0:
                raise TimedOut(
                    "the inference server did not answer within the request's time"
                ) from error
            raise

    def _seconds(self) -> float:
        """How long a call that begins now may last.

        Raises:
            TimedOut: the request's time is over.
        """
        deadline.check()
        return min(self._timeout, deadline.left())

    def _named(self, found: tuple[str, ...], given: Mapping[str, str]) -> _Names:
        """The server's names, and ours for them."""
        unknown = sorted(set(given.values()) - set(found))
        if unknown:
            raise ModelError(
                f"the model {self._remote.model} of the inference server has no {unknown[0]!r}; "
                f"it has {', '.join(found)}"
            )
        ours = {there: here for here, there in given.items()}
        return _Names(tuple(ours.get(name, name) for name in found), found)
