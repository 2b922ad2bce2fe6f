"""Which pictures are needed: by faces, or by requests under way on any server.

A picture's row is locked while its file is written or deleted, so that no server deletes what
another one is just saving. Every function is part of one transaction.
"""

from collections.abc import Iterable, Sequence

from faceserver.runtime.postgres import Transaction

_HOLDS = "6 hours"
"""So long a picture waits for its faces, should its server have crashed."""

_UNUSED = """
    NOT EXISTS (SELECT 1 FROM picture_pins WHERE name = p.name AND until > now())
    AND NOT EXISTS (SELECT 1 FROM faces WHERE picture = p.name)
    AND NOT EXISTS (SELECT 1 FROM faces WHERE crop = p.name)
    AND (right(p.name, 5) <> '.webp' OR NOT EXISTS (
        SELECT 1 FROM faces
        WHERE uuid = left(p.name, -5) AND (picture IS NOT NULL OR crop IS NOT NULL)
    ))
"""
"""Of one moment: faces are committed before their picture's pin goes."""

_THUMBNAIL = "CASE WHEN picture IS NOT NULL OR crop IS NOT NULL THEN uuid || '.webp' END"


def pin(transaction: Transaction, name: str, batch: str, collection: int | None) -> None:
    """Keep a picture until :func:`unpin`; its row stays locked until the transaction ends."""
    transaction.run(
        "INSERT INTO pictures (name) VALUES (%s) ON CONFLICT (name) DO UPDATE SET name = %s",
        name,
        name,
    )
    transaction.run(
        "INSERT INTO picture_pins (batch, name, collection, until)"
        f" VALUES (%s, %s, %s, now() + interval '{_HOLDS}') ON CONFLICT DO NOTHING",
        batch,
        name,
        collection,
    )


def unpin(transaction: Transaction, batch: str) -> None:
    """Let go of what a batch has saved."""
    transaction.run("DELETE FROM picture_pins WHERE batch = %s", batch)


def unpin_collection(transaction: Transaction, collection: int) -> None:
    """Let go of what was saved for a collection that is deleted."""
    transaction.run("DELETE FROM picture_pins WHERE collection = %s", collection)


def is_pinned(transaction: Transaction, name: str) -> bool:
    """Whether a batch is under way that has saved this picture."""
    return bool(
        transaction.read(
            "SELECT 1 FROM picture_pins WHERE name = %s AND until > now() LIMIT 1", name
        )
    )


def doom(transaction: Transaction, names: Iterable[str]) -> None:
    """These pictures lost a face: those that show no other are to go."""
    transaction.run(
        "INSERT INTO pictures (name, doomed)"
        " SELECT name, true FROM unnest(%s::text[]) AS name ORDER BY name"
        " ON CONFLICT (name) DO UPDATE SET doomed = true",
        sorted(names),
    )


def doom_all(transaction: Transaction, faces: str) -> None:
    """Likewise for all pictures, crops and thumbnails of a table of faces."""
    for column in ("picture", "crop", _THUMBNAIL):
        transaction.run(
            f"INSERT INTO pictures (name, doomed) SELECT DISTINCT {column} AS name, true"
            f" FROM {faces} WHERE {column} IS NOT NULL ORDER BY name"
            " ON CONFLICT (name) DO UPDATE SET doomed = true"
        )


def doomed(transaction: Transaction, limit: int) -> list[str]:
    """Some of the pictures that are to go, as far as nobody is about to store faces of them."""
    rows = transaction.read(
        "SELECT name FROM pictures p WHERE doomed AND NOT EXISTS"
        " (SELECT 1 FROM picture_pins WHERE name = p.name AND until > now()) LIMIT %s",
        limit,
    )
    return [row[0] for row in rows]


def unused(transaction: Transaction, names: Sequence[str]) -> list[str]:
    """Those of the pictures that nobody needs just now."""
    rows = transaction.read(
        f"SELECT name FROM unnest(%s::text[]) AS p (name) WHERE {_UNUSED}", list(names)
    )
    return [row[0] for row in rows]


def forget(transaction: Transaction, names: Sequence[str]) -> None:
    """These have been seen to; for thumbnails, which nobody pins."""
    transaction.run("DELETE FROM pictures WHERE name = ANY(%s)", list(names))


def take(transaction: Transaction, name: str) -> bool:
    """Take hold of a picture to delete it; whether nobody needs it, nor is busy with it.

    Its row is gone when the transaction ends, and until then nobody saves it.
    """
    transaction.run("INSERT INTO pictures (name) VALUES (%s) ON CONFLICT DO NOTHING", name)
    held = transaction.read("SELECT 1 FROM pictures WHERE name = %s FOR UPDATE SKIP LOCKED", name)
    if not held:
        return False
    if not transaction.read(f"SELECT 1 FROM pictures p WHERE p.name = %s AND {_UNUSED}", name):
        # One that is pinned stays doomed: its faces may come to nothing.
        transaction.run(
            "UPDATE pictures SET doomed = false WHERE name = %s AND doomed AND NOT EXISTS"
            " (SELECT 1 FROM picture_pins WHERE name = %s)",
            name,
            name,
        )
        return False
    transaction.run("DELETE FROM pictures WHERE name = %s", name)
    return True
