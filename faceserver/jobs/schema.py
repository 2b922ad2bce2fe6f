"""The schema of ``jobs.sqlite``, as the steps that lead to it. A released step never changes."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        collection  TEXT    NOT NULL,
        kind        TEXT    NOT NULL,
        largest     INTEGER NOT NULL,
        state       TEXT    NOT NULL,
        reason      TEXT,
        key         TEXT,
        fingerprint TEXT    NOT NULL, -- what the request was, to tell a repetition by
        created     TEXT    NOT NULL,
        finished    TEXT,
        total       INTEGER NOT NULL,
        stored      INTEGER NOT NULL DEFAULT 0,
        present     INTEGER NOT NULL DEFAULT 0,
        refused     INTEGER NOT NULL DEFAULT 0,
        faces       INTEGER NOT NULL DEFAULT 0,
        UNIQUE (collection, key)
    ) STRICT;
    CREATE TABLE items (
        job         INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number      INTEGER NOT NULL,
        source      TEXT    NOT NULL,
        person      TEXT,
        tags        TEXT    NOT NULL, -- JSON: ["...", ...]
        external_id TEXT,
        state       TEXT    NOT NULL DEFAULT 'waiting',
        faces       TEXT    NOT NULL DEFAULT '[]', -- JSON: the ids
        code        TEXT,
        reason      TEXT,
        PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE credentials ( -- of those pictures alone that have not been fetched yet
        job      INTEGER NOT NULL,
        number   INTEGER NOT NULL,
        username TEXT    NOT NULL,
        password TEXT    NOT NULL,
        scheme   TEXT    NOT NULL,
        PRIMARY KEY (job, number),
        FOREIGN KEY (job, number) REFERENCES items (job, number) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    """,
    """

    ALTER TABLE jobs ADD COLUMN renew INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
    """,
)
