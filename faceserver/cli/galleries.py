"""Where the gallery is that a command works on."""

from faceserver.config import Settings
from faceserver.errors import InvalidSetting


def is_shared(settings: Settings) -> bool:
    """Whether the gallery is elsewhere than in the data folder."""
    return bool(settings.store.get_secret_value())


def require_gallery(settings: Settings) -> None:
    """Pass where there is a gallery already; a shared one tells itself when it is opened.

    Raises:
        NotFound: there is none in the data folder.
    """
    from faceserver.transfer.folder import database_in

    if not is_shared(settings):
        database_in(settings.data_dir)


def refuse_shared(settings: Settings, instead: str) -> None:
    """Refuse what can be done with a data folder alone.

    Args:
        settings: tell where the gallery is.
        instead: what to do with a gallery elsewhere.

    Raises:
        InvalidSetting: the gallery is elsewhere.
    """
    if is_shared(settings):
        raise InvalidSetting(f"FACESERVER_STORE is set, and this works on a data folder: {instead}")
