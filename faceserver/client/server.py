"""The operations on the server itself: how it is, and who may use it."""

from faceserver.api.keys import Key, Keys, MadeKey, Scope
from faceserver.api.models import Models
from faceserver.api.status import Status
from faceserver.client.transport import Transport


class ServerOperations(Transport):
    """Status, models and keys."""

    def get_status(self) -> Status:
        """Say how the server is."""
        return self.call(Status, "GET", "/status")

    def list_models(self) -> Models:
        """List the models: licence, threshold, rates of error by group, what is loaded."""
        return self.call(Models, "GET", "/models")

    def create_key(self, *, name: str, scope: Scope, collection: str | None = None) -> MadeKey:
        """Make a key; it is told now and never again."""
        body = {"name": name, "scope": scope, "collection": collection}
        return self.call(MadeKey, "POST", "/keys", json=body)

    def list_keys(self, *, limit: int = 100, cursor: str | None = None) -> Keys:
        """List the keys, the revoked ones too, in the order they were made."""
        return self.list_of(Keys, "/keys", limit, cursor)

    def revoke_key(self, key: str) -> Key:
        """Take a key back, by its id."""
        return self.call(Key, "DELETE", f"/keys/{key}")
