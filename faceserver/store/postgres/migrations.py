"""The schema in PostgreSQL, as the steps that lead to it. A released step never changes.

Faces, people, merges and exemplars have a partition for each collection, which is reached by its
own name, so that whoever empties one collection waits for nobody in another, and leaves nothing of
it in a file.
The vectors of a collection are a table of their own: a change of its model fills another one, with
its index, and the switch is one row.

The ids of faces are drawn before they are stored, and rise in no order that matters. Their places
are drawn under a lock that lasts until the commit: see :meth:`.tables.Tables.ordered`.
"""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE spaces ( -- embeddings of one model; their vectors are in the table vectors_<id>
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        model       text    NOT NULL,
        dims        integer NOT NULL CHECK (dims > 0),
        ef          integer,          -- candidates that a search of the index looks at
        recall      double precision, -- as measured with it
        measured    bigint            -- how many faces there were then
    );
    CREATE TABLE collections (
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name        text    COLLATE "C" NOT NULL UNIQUE,
        life        bigint  NOT NULL DEFAULT 1, -- rises when it is emptied as a whole
        space       bigint  NOT NULL REFERENCES spaces,
        next_space  bigint  REFERENCES spaces -- what its model is being changed to
    );
    CREATE SEQUENCE face_ids;
    CREATE SEQUENCE places;
    CREATE TABLE subjects (
        collection  bigint  NOT NULL,
        id          bigint  NOT NULL DEFAULT nextval('places'), -- in the order of the commits
        uuid        text    COLLATE "C" NOT NULL,
        name        text    NOT NULL,
        name_key    text    NOT NULL, -- what makes two names the same
        name_hash   bytea   NOT NULL, -- SHA-256 of it, for it may be too long for an index
        tags        text[]  COLLATE "C" NOT NULL,
        metadata    json    NOT NULL,
        created     timestamptz NOT NULL,
        PRIMARY KEY (id, collection),
        UNIQUE (uuid, collection),
        UNIQUE (name_hash, collection)
    ) PARTITION BY LIST (collection);
    CREATE INDEX subjects_by_tag ON subjects USING gin (tags);
    CREATE TABLE faces (
        collection  bigint  NOT NULL,
        id          bigint  NOT NULL, -- of face_ids
        place       bigint  NOT NULL DEFAULT nextval('places'), -- in the order of the commits
        uuid        text    COLLATE "C" NOT NULL,
        subject     bigint, -- its id
        picture     text    COLLATE "C",
        crop        text    COLLATE "C",
        source      text    NOT NULL,
        tags        text[]  COLLATE "C" NOT NULL,
        external_id text    COLLATE "C",
        attributes  json    NOT NULL,
        created     timestamptz NOT NULL,
        box         double precision[] NOT NULL, -- x1, y1, x2, y2
        points      double precision[] NOT NULL, -- x and y of five points
        score       double precision NOT NULL,
        PRIMARY KEY (id, collection),
        UNIQUE (uuid, collection)
    ) PARTITION BY LIST (collection);
    CREATE UNIQUE INDEX faces_by_place ON faces (place, collection);
    CREATE INDEX faces_by_subject ON faces (subject, place);
    CREATE INDEX faces_by_picture ON faces (picture) WHERE picture IS NOT NULL;
    CREATE INDEX faces_by_crop ON faces (crop) WHERE crop IS NOT NULL;
    CREATE INDEX faces_by_external_id ON faces (external_id) WHERE external_id IS NOT NULL;
    CREATE INDEX faces_by_tag ON faces USING gin (tags);
    CREATE TABLE merges (
        collection  bigint  NOT NULL,
        id          bigint  NOT NULL DEFAULT nextval('places'),
        uuid        text    COLLATE "C" NOT NULL,
        stays       text    COLLATE "C" NOT NULL, -- uuid of the subject who got the faces
        subject     text    COLLATE "C" NOT NULL, -- uuid and the rest of the subject who went
        name        text    NOT NULL,
        tags        text[]  NOT NULL,
        metadata    json    NOT NULL,
        created     timestamptz NOT NULL,
        at          timestamptz NOT NULL,
        until       timestamptz NOT NULL,
        faces       bigint[] NOT NULL, -- ids of those that were moved
        PRIMARY KEY (id, collection),
        UNIQUE (uuid, collection)
    ) PARTITION BY LIST (collection);
    CREATE TABLE pictures ( -- that are stored, or about to be
        name        text    COLLATE "C" PRIMARY KEY,
        doomed      boolean NOT NULL DEFAULT false -- it lost a face, and may be shown by no other
    );
    CREATE INDEX doomed_pictures ON pictures (name) WHERE doomed;
    CREATE TABLE picture_pins ( -- pictures whose faces are about to be stored
        batch       text    COLLATE "C" NOT NULL,
        name        text    COLLATE "C" NOT NULL,
        collection  bigint, -- that the faces are for
        until       timestamptz NOT NULL, -- a server that has crashed lets go of nothing
        PRIMARY KEY (name, batch)
    );
    CREATE INDEX picture_pins_by_batch ON picture_pins (batch);
    """,
    # 2: what else servers share: keys, sessions of browsers, counts of requests.
    """
    CREATE TABLE keys (
        id          text    COLLATE "C" PRIMARY KEY,
        name        text    COLLATE "C" NOT NULL,
        scope       text    NOT NULL,
        collection  text,           -- the only one that it reaches; NULL: all
        hash        bytea   NOT NULL, -- SHA-256 of the whole key
        created     timestamptz NOT NULL,
        last_used   timestamptz,
        revoked     timestamptz
    );
    CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked IS NULL;
    CREATE TABLE sessions (
        hash        bytea   PRIMARY KEY, -- of what the browser holds
        key_id      text    COLLATE "C" NOT NULL,
        csrf_token  text    NOT NULL,
        ends        timestamptz NOT NULL
    );
    CREATE INDEX sessions_by_key ON sessions (key_id);
    CREATE UNLOGGED TABLE request_counts (
        name        text    COLLATE "C" PRIMARY KEY, -- who asked
        count       bigint  NOT NULL,
        ends        timestamptz NOT NULL
    );
    """,
    # 3: jobs, their pictures, and what hosts ask for until a picture is fetched.
    """
    CREATE TABLE jobs (
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        uuid        text    COLLATE "C" NOT NULL UNIQUE,
        collection  text    COLLATE "C" NOT NULL,
        kind        text    NOT NULL,
        largest     integer NOT NULL,
        state       text    NOT NULL,
        reason      text,
        key         text    COLLATE "C",
        fingerprint text    NOT NULL, -- what the request was, to tell a repetition by
        created     text    COLLATE "C" NOT NULL,
        finished    text    COLLATE "C",
        total       integer NOT NULL,
        stored      integer NOT NULL DEFAULT 0,
        present     integer NOT NULL DEFAULT 0,
        refused     integer NOT NULL DEFAULT 0,
        faces       integer NOT NULL DEFAULT 0,
        renew       integer NOT NULL DEFAULT 0,
        left_out    integer NOT NULL DEFAULT 0,
        worker      text, -- the server that does it
        lease       timestamptz, -- another one may from then on
        UNIQUE (collection, key)
    );
    CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('queued', 'running');
    CREATE TABLE items (
        job         bigint  NOT NULL REFERENCES jobs ON DELETE CASCADE,
        number      integer NOT NULL,
        source      text    NOT NULL,
        person      text,
        tags        text    NOT NULL, -- JSON: ["...", ...]
        external_id text,
        state       text    NOT NULL DEFAULT 'waiting',
        faces       text    NOT NULL DEFAULT '[]', -- JSON: the ids
        code        text,
        reason      text,
        PRIMARY KEY (job, number)
    );
    CREATE TABLE credentials (
        job         bigint  NOT NULL,
        number      integer NOT NULL,
        username    text    NOT NULL,
        password    text    NOT NULL,
        scheme      text    NOT NULL,
        PRIMARY KEY (job, number),
        FOREIGN KEY (job, number) REFERENCES items ON DELETE CASCADE
    );
    """,
    # 4: what is remembered beside the faces, a part for each collection as of the faces; when a
    # collection was made; keys that other programs' clients can hold; whose the pictures are.
    """
    CREATE TABLE exemplars (
        collection  bigint  NOT NULL,
        id          bigint  NOT NULL DEFAULT nextval('places'), -- in the order of the commits
        uuid        text    COLLATE "C" NOT NULL,
        kind        text    COLLATE "C" NOT NULL, -- what it is remembered as
        subject     bigint, -- its id
        face        bigint, -- its id
        content     json    NOT NULL,
        created     timestamptz NOT NULL,
        until       timestamptz,
        vector      vector  NOT NULL,
        PRIMARY KEY (id, collection),
        UNIQUE (uuid, collection)
    ) PARTITION BY LIST (collection);
    CREATE INDEX exemplars_by_kind ON exemplars (kind, id);
    CREATE INDEX exemplars_by_subject ON exemplars (subject) WHERE subject IS NOT NULL;
    CREATE INDEX exemplars_by_face ON exemplars (face) WHERE face IS NOT NULL;
    CREATE INDEX exemplars_by_until ON exemplars (until) WHERE until IS NOT NULL;
    DO $$
    DECLARE
        number bigint;
    BEGIN
        FOR number IN SELECT id FROM collections LOOP
            EXECUTE format('CREATE TABLE exemplars_%s (LIKE exemplars INCLUDING ALL)', number);
            EXECUTE format(
                'ALTER TABLE exemplars_%1$s ALTER COLUMN collection SET DEFAULT %1$s', number
            );
            EXECUTE format(
                'ALTER TABLE exemplars ATTACH PARTITION exemplars_%1$s FOR VALUES IN (%1$s)',
                number
            );
        END LOOP;
    END $$;
    ALTER TABLE merges ADD COLUMN exemplars bigint[] NOT NULL DEFAULT '{}';
    ALTER TABLE collections ADD COLUMN created timestamptz NOT NULL DEFAULT now();
    UPDATE collections c SET created = coalesce(
        (SELECT f.created FROM faces f WHERE f.collection = c.id ORDER BY f.place LIMIT 1), now()
    );
    ALTER TABLE keys ADD COLUMN kind text NOT NULL DEFAULT 'own';
    ALTER TABLE keys ADD COLUMN access_id text COLLATE "C"; -- of a pair: what requests name it by
    ALTER TABLE keys ADD COLUMN secret text; -- of a pair: what its holder signs with
    CREATE UNIQUE INDEX keys_by_access_id ON keys (access_id);
    CREATE INDEX keys_by_hash ON keys (hash);
    CREATE TABLE gallery ( -- one row
        id          text    NOT NULL -- what a place for pictures names its gallery by
    );
    INSERT INTO gallery VALUES (replace(gen_random_uuid()::text, '-', ''));
    """,
    # 5: webhooks and what is sent to them, by whichever server.
    """
    CREATE TABLE hooks (
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        uuid        text    COLLATE "C" NOT NULL UNIQUE,
        url         text    NOT NULL,
        events      text    NOT NULL, -- JSON: ["...", ...]
        collection  text    COLLATE "C",
        secret      text    NOT NULL, -- signing needs it as it is
        created     text    COLLATE "C" NOT NULL,
        lease       text    COLLATE "C" -- a server sends to it; another one may from then on
    );
    CREATE TABLE deliveries (
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        uuid        text    COLLATE "C" NOT NULL,
        hook        bigint  NOT NULL REFERENCES hooks ON DELETE CASCADE,
        event       text    NOT NULL,
        collection  text    COLLATE "C" NOT NULL,
        body        text    NOT NULL, -- JSON, as it is sent
        state       text    NOT NULL DEFAULT 'waiting',
        attempts    integer NOT NULL DEFAULT 0,
        created     text    COLLATE "C" NOT NULL,
        at          text    COLLATE "C",
        status      integer,
        error       text,
        next        text    COLLATE "C"
    );
    CREATE INDEX deliveries_by_hook ON deliveries (hook);
    CREATE INDEX deliveries_waiting ON deliveries (next) WHERE state = 'waiting';
    """,
    # 6: who did what, at whichever server.
    """
    CREATE TABLE audit (
        id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event       json    NOT NULL -- as a line of the file has it
    );
    """,
    # 7: people who are of no interest, covers that somebody chose, and what names are sorted by.
    """
    ALTER TABLE subjects ADD COLUMN hidden boolean NOT NULL DEFAULT false;
    ALTER TABLE subjects ADD COLUMN cover text COLLATE "C"; -- uuid of a face, which may be gone
    ALTER TABLE subjects ADD COLUMN folded text COLLATE "C" NOT NULL DEFAULT '';
    UPDATE subjects SET folded =
        regexp_replace(normalize(name_key, NFKD), '[\\u0300-\\u036f]', '', 'g');
    ALTER TABLE merges ADD COLUMN hidden boolean NOT NULL DEFAULT false;
    ALTER TABLE merges ADD COLUMN cover text COLLATE "C";
    """,
    # 8: servers hear at once of jobs and deliveries that wait for one of them.
    """
    CREATE FUNCTION faceserver_notify() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('faceserver', TG_TABLE_NAME);
        RETURN NULL;
    END $$;
    CREATE TRIGGER jobs_added AFTER INSERT ON jobs
        FOR EACH STATEMENT EXECUTE FUNCTION faceserver_notify();
    CREATE TRIGGER jobs_given_back AFTER UPDATE OF worker ON jobs
        FOR EACH ROW WHEN (NEW.worker IS NULL) EXECUTE FUNCTION faceserver_notify();
    CREATE TRIGGER deliveries_added AFTER INSERT ON deliveries
        FOR EACH STATEMENT EXECUTE FUNCTION faceserver_notify();
    """,
)
