"""Synthetic embeddings that lie like real ones: people, several faces each, from a seed.

What makes a gallery of faces hard or easy to search is how far its faces lie from each other, not
what they show. The numbers here are set so that squared distances are as face embeddings have
them: about 0.2 to 0.7 between two faces of one person, about 1.4 to 2.0 between two people. The
axes' variances fall with a power law, as the principal components of real embeddings do, so that
the vectors fill fewer directions than they have numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SPECTRUM = 0.6
"""Variance of axis i is proportional to i to the power of minus this."""

COMMON = 0.36
"""Length of what all faces share: people lie at 2 - 2 * 0.36^2 = 1.74 of each other on average."""

WITHIN = (0.1, 0.5)
"""Squared distance of a face from its person's centre, from a clear portrait to a poor one."""

FACES_A_PERSON = 10
"""On average; geometrically distributed, so that some people have one face and some have fifty."""


@dataclass(frozen=True)
class People:
    """A population from a seed; faces and probes of a person are drawn around the same centre."""

    dims: int = 512
    seed: int = 1

    def faces(
        self, count: int, *, batch: int = 10_000
    ) -> Iterator[tuple[Floats, NDArray[np.int64]]]:
        """Yield faces and their people's numbers until there are ``count``.

        Yields:
            float32, shape (n, dims), unit length; and int64, shape (n,), with n up to ``batch``.
        """
        rng = np.random.default_rng(self.seed)
        sizes = rng.geometric(1 / FACES_A_PERSON, size=count)
        owners = np.repeat(np.arange(count), sizes)[:count]
        # Faces of one person come at different times.
        owners = rng.permutation(owners)
        for start in range(0, count, batch):
            people = owners[start : start + batch]
            yield self._around(people, np.random.default_rng((self.seed, 1, start))), people

    def probes(self, people: NDArray[np.int64]) -> Floats:
        """New faces of these people: float32, shape (n, dims)."""
        return self._around(people, np.random.default_rng((self.seed, 2)))

    def _around(self, people: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        low, high = WITHIN
        spread = np.sqrt(rng.uniform(low, high, size=(len(people), 1)))
        noise = self._directions(rng, len(people))
        return _unit(self._centres(people) + spread * noise)

    def _centres(self, people: NDArray[np.int64]) -> Floats:
        distinct, places = np.unique(people, return_inverse=True)
        own = np.concatenate(
            [
                self._directions(np.random.default_rng((self.seed, 3, number)), 1)
                for number in distinct
            ]
        )
        common = np.zeros(self.dims, np.float32)
        common[-1] = COMMON
        return _unit(common + np.sqrt(1 - COMMON**2) * own)[places]

    def _directions(self, rng: np.random.Generator, count: int) -> Floats:
        scale = np.arange(1, self.dims + 1, dtype=np.float32) ** (-SPECTRUM / 2)
        return _unit(rng.standard_normal((count, self.dims), dtype=np.float32) * scale)


def _unit(vectors: NDArray[np.floating]) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
