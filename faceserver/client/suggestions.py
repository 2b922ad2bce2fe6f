"""The operations on suggestions: who may be the same person."""

from typing import Literal
from uuid import UUID

from faceserver.api.suggestions import (
    RefusedSuggestion,
    RefusedSuggestions,
    Suggestions,
    UndoneSuggestion,
)
from faceserver.client.transport import Transport, path_of


class SuggestionOperations(Transport):
    """Is this the same person?"""

    def list_suggestions(
        self,
        collection: str,
        *,
        among: Literal["people", "unnamed"] = "people",
        threshold: float | None = None,
        min_size: float | None = None,
        min_sharpness: float | None = None,
        min_quality: float | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Suggestions:
        """List pairs of people, or of groups of unnamed faces, that may be the same person."""
        only = {
            "among": among,
            "threshold": threshold,
            "min_size": min_size,
            "min_sharpness": min_sharpness,
            "min_quality": min_quality,
        }
        return self.list_of(Suggestions, _path(collection), limit, cursor, only)

    def refuse_suggestion(self, collection: str, one: UUID, other: UUID) -> RefusedSuggestion:
        """Remember that two faces show different people, so that they are not suggested again."""
        body = {"faces": [str(one), str(other)]}
        return self.call(RefusedSuggestion, "POST", f"{_path(collection)}/refused", json=body)

    def list_refused_suggestions(
        self, collection: str, *, limit: int = 100, cursor: str | None = None
    ) -> RefusedSuggestions:
        """List refused suggestions in the order they were refused."""
        return self.list_of(RefusedSuggestions, f"{_path(collection)}/refused", limit, cursor)

    def undo_refused_suggestion(self, collection: str, refusal: UUID) -> UndoneSuggestion:
        """Undo a refusal: the two are suggested again."""
        path = f"{_path(collection)}/refused/{refusal}"
        return self.call(UndoneSuggestion, "DELETE", path)


def _path(collection: str) -> str:
    return f"{path_of(collection)}/suggestions"
