"""SQLite's schema, as the steps that lead to it. A step that has been released never changes."""

MIGRATIONS: tuple[str, ...] = (
    # 1: galleries of one model each, and their faces. A face's row id is its label in the index;
    # AUTOINCREMENT keeps the id of a row that is gone from being given again. The vector stands
    # last, so that reading the other columns never walks over it.
    """
    CREATE TABLE collections (
        id      INTEGER PRIMARY KEY,
        name    TEXT    NOT NULL UNIQUE,
        model   TEXT    NOT NULL,
        dims    INTEGER NOT NULL CHECK (dims > 0)
    ) STRICT;
    CREATE TABLE faces (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        collection  INTEGER NOT NULL REFERENCES collections (id),
        picture     TEXT    NOT NULL,
        source      TEXT    NOT NULL,
        created     TEXT    NOT NULL, -- ISO 8601, UTC, microseconds
        box         TEXT    NOT NULL, -- JSON: [x1, y1, x2, y2]
        points      TEXT    NOT NULL, -- JSON: [[x, y], ...], five of them
        score       REAL    NOT NULL,
        vector      BLOB    NOT NULL  -- float32, little endian
    ) STRICT;
    """,
)
"""Step n leads from schema n - 1 to schema n, the number in SQLite's ``user_version``."""
