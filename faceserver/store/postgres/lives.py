"""The lifetime of a collection that other servers can delete."""

from faceserver.store.lifetime import Lifetime


class SharedLifetime(Lifetime):
    """Ends when this server learns that the collection was deleted.

    Attributes:
        collection: its id in the database.
        life: which of its lives it is, as the row of the collection counts them.
    """

    def __init__(self, collection: int, life: int) -> None:
        """Begin."""
        super().__init__()
        self.collection = collection
        self.life = life
