"""The use cases over parts that a test chooses."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faceserver.api.pictures import Credentials
from faceserver.app import services_of
from faceserver.config import Settings, load_settings
from faceserver.errors import UrlFailed
from faceserver.lifecycle import Services
from faceserver.pictures.fetch import Fetch
from faceserver.runtime.waiting import Outside
from faceserver.services.context import Context, Limits
from faceserver.services.outcomes import NewPicture, Outcome, Registered, Rules
from faceserver.store.base import Store
from faceserver.store.pictures import PictureStore
from faceserver.vision.pool import AnalyzerPool

LIMITS = Limits(max_bytes=10_000, max_pixels=10_000, max_matches=10, max_distance=None)


def fetch_nothing(url: str, _: Credentials | None = None, /) -> bytes:
    raise UrlFailed(f"nothing lies behind {url}")


def make_services(
    folder: Path,
    analyzers: AnalyzerPool,
    store: Store,
    pictures: PictureStore,
    *,
    fetch: Fetch = fetch_nothing,
    limits: Limits = LIMITS,
    outside: Outside | None = None,
    max_items: int = 100,
    settings: Settings | None = None,
    address: str = "",
) -> Services:
    """All use cases; jobs wait in the folder, or the database, until they are started."""
    context = Context(analyzers, store, pictures, fetch, limits, outside or Outside(8))
    told = settings or load_settings(data_dir=folder, max_job_items=max_items, store=address)
    return services_of(context, told)


def register(services: Services, *pictures: tuple[str, bytes]) -> list[Any]:
    """Register pictures as the original endpoints do."""
    return services.registering.add_all([NewPicture.of_bytes(*picture) for picture in pictures])


def add_picture(
    services: Services, data: bytes, source: str = "a", *, subject: str | None = None
) -> Registered:
    """Register a picture as the v1 API does."""
    return services.registering.add("default", NewPicture(source, lambda: data, subject=subject))


class Importer:
    """Registers pictures as imports do."""

    def __init__(self, services: Services, collection: str = "default", **rules: Any) -> None:
        services.collections.ensure(collection)
        self._services = services
        self._collection = collection
        self._rules = Rules(**rules)

    def run(self, pictures: Iterable[NewPicture]) -> Iterator[Outcome]:
        return self._services.registering.stream(self._collection, pictures, self._rules)
