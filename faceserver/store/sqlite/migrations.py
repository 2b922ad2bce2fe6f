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
    # 2: people, what else is known of a face, merges that can be undone, pictures that are to go.
    # The tables of tags are indexes that SQLite does not have: the columns hold the truth, and
    # triggers keep them equal. A picture that is not kept has the name ''. No table is written
    # anew, so that a large file is brought up to date in seconds and without more space.
    """
    CREATE TABLE subjects (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        collection  INTEGER NOT NULL REFERENCES collections (id),
        name        TEXT    NOT NULL,
        name_key    TEXT    NOT NULL, -- what makes two names the same
        tags        TEXT    NOT NULL, -- JSON: ["...", ...]
        metadata    TEXT    NOT NULL, -- JSON
        created     TEXT    NOT NULL,
        UNIQUE (collection, name_key)
    ) STRICT;
    ALTER TABLE faces ADD COLUMN subject INTEGER REFERENCES subjects (id);
    ALTER TABLE faces ADD COLUMN crop TEXT;
    ALTER TABLE faces ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE faces ADD COLUMN external_id TEXT;
    ALTER TABLE faces ADD COLUMN quality REAL;
    CREATE INDEX faces_by_collection ON faces (collection);
    CREATE INDEX faces_by_subject ON faces (subject) WHERE subject IS NOT NULL;
    CREATE INDEX faces_by_picture ON faces (picture);
    CREATE INDEX faces_by_crop ON faces (crop) WHERE crop IS NOT NULL;
    CREATE INDEX faces_by_external_id ON faces (external_id) WHERE external_id IS NOT NULL;

    CREATE TABLE face_tags (
        collection  INTEGER NOT NULL,
        tag         TEXT    NOT NULL,
        face        INTEGER NOT NULL,
        PRIMARY KEY (collection, tag, face)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER face_tagged AFTER INSERT ON faces WHEN new.tags <> '[]' BEGIN
        INSERT INTO face_tags SELECT new.collection, value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER face_retagged AFTER UPDATE OF tags ON faces BEGIN
        DELETE FROM face_tags WHERE collection = old.collection AND face = old.id
            AND tag IN (SELECT value FROM json_each(old.tags));
        INSERT INTO face_tags SELECT new.collection, value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER face_untagged AFTER DELETE ON faces WHEN old.tags <> '[]' BEGIN
        DELETE FROM face_tags WHERE collection = old.collection AND face = old.id
            AND tag IN (SELECT value FROM json_each(old.tags));
    END;
    CREATE TABLE subject_tags (
        collection  INTEGER NOT NULL,
        tag         TEXT    NOT NULL,
        subject     INTEGER NOT NULL,
        PRIMARY KEY (collection, tag, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER subject_tagged AFTER INSERT ON subjects WHEN new.tags <> '[]' BEGIN
        INSERT INTO subject_tags SELECT new.collection, value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER subject_retagged AFTER UPDATE OF tags ON subjects BEGIN
        DELETE FROM subject_tags WHERE collection = old.collection AND subject = old.id
            AND tag IN (SELECT value FROM json_each(old.tags));
        INSERT INTO subject_tags SELECT new.collection, value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER subject_untagged AFTER DELETE ON subjects WHEN old.tags <> '[]' BEGIN
        DELETE FROM subject_tags WHERE collection = old.collection AND subject = old.id
            AND tag IN (SELECT value FROM json_each(old.tags));
    END;

    CREATE TABLE merges (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        collection  INTEGER NOT NULL REFERENCES collections (id),
        stays       TEXT    NOT NULL, -- uuid of the subject who got the faces
        subject     TEXT    NOT NULL, -- uuid and the rest of the subject who went
        name        TEXT    NOT NULL,
        tags        TEXT    NOT NULL,
        metadata    TEXT    NOT NULL,
        created     TEXT    NOT NULL,
        at          TEXT    NOT NULL,
        until       TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX merges_by_collection ON merges (collection);
    CREATE TABLE merged_faces (
        merge   INTEGER NOT NULL REFERENCES merges (id) ON DELETE CASCADE,
        face    INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
        PRIMARY KEY (merge, face)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX merged_faces_by_face ON merged_faces (face);

    CREATE TABLE doomed_pictures (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    """,
    # 3: changes of a collection's model, and the new vectors so far. They move into the faces'
    # rows in the transaction that ends the change.
    """
    CREATE TABLE changes (
        collection  INTEGER PRIMARY KEY REFERENCES collections (id) ON DELETE CASCADE,
        model       TEXT    NOT NULL,
        dims        INTEGER NOT NULL CHECK (dims > 0)
    ) STRICT;
    CREATE TABLE new_vectors (
        face        INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
        collection  INTEGER NOT NULL,
        vector      BLOB    NOT NULL  -- float32, little endian
    ) STRICT;
    CREATE INDEX new_vectors_by_collection ON new_vectors (collection);
    """,
    # 4: faces that nobody has named are found without walking over all others.
    """
    CREATE INDEX faces_of_nobody ON faces (collection) WHERE subject IS NULL;
    """,
    # 5: transactions are counted, so that those that the disk has lost are noticed.
    """
    CREATE TABLE commits (changes INTEGER NOT NULL) STRICT;
    INSERT INTO commits VALUES (0);
    """,
    # 6: whatever is told of a face beside stands in one column, as JSON: telling more needs no step
    # here. The quality moves there; its column stays, empty, for without it every row would
    # be written anew. What was no number was never shown either. `json_number` is Database's:
    # SQLite's own JSON keeps 15 digits of a number, too few to give it back.
    """
    ALTER TABLE faces ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
    UPDATE faces SET quality = NULL, attributes = CASE WHEN abs(quality) < 9e999
        THEN '{"quality":' || json_number(quality) || '}' ELSE '{}' END
        WHERE quality IS NOT NULL;
    """,
    # 7: what is remembered beside the faces: faces that are not a person, and strangers. Each has
    # a vector, goes with the person and the face that it names, and follows its person in merges.
    """
    CREATE TABLE exemplars (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid        TEXT    NOT NULL UNIQUE,
        collection  INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
        kind        TEXT    NOT NULL, -- what it is remembered as
        subject     INTEGER REFERENCES subjects (id) ON DELETE CASCADE,
        face        INTEGER REFERENCES faces (id) ON DELETE CASCADE,
        content     TEXT    NOT NULL, -- JSON
        created     TEXT    NOT NULL,
        until       TEXT,
        vector      BLOB    NOT NULL  -- float32, little endian
    ) STRICT;
    CREATE INDEX exemplars_by_kind ON exemplars (collection, kind);
    CREATE INDEX exemplars_by_subject ON exemplars (subject) WHERE subject IS NOT NULL;
    CREATE INDEX exemplars_by_face ON exemplars (face) WHERE face IS NOT NULL;
    CREATE INDEX exemplars_by_until ON exemplars (until) WHERE until IS NOT NULL;
    CREATE TABLE merged_exemplars (
        merge       INTEGER NOT NULL REFERENCES merges (id) ON DELETE CASCADE,
        exemplar    INTEGER NOT NULL REFERENCES exemplars (id) ON DELETE CASCADE,
        PRIMARY KEY (merge, exemplar)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX merged_exemplars_by_exemplar ON merged_exemplars (exemplar);
    """,
    # 8: when a collection was made; of those that were there before, when their first face was.
    """
    ALTER TABLE collections ADD COLUMN created TEXT;
    UPDATE collections SET created = coalesce(
        (SELECT f.created FROM faces f WHERE f.collection = collections.id ORDER BY f.id LIMIT 1),
        strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')
    );
    """,
    # 9: people who are of no interest, covers that somebody chose, and what names are sorted by.
    # `without_accents` is Database's: SQLite does not know Unicode's decompositions.
    """
    ALTER TABLE subjects ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE subjects ADD COLUMN cover TEXT; -- uuid of a face, which may be gone
    ALTER TABLE subjects ADD COLUMN folded TEXT NOT NULL DEFAULT '';
    UPDATE subjects SET folded = without_accents(name_key);
    ALTER TABLE merges ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE merges ADD COLUMN cover TEXT;
    """,
)
"""Step n leads from schema n - 1 to schema n, the number in SQLite's ``user_version``."""
