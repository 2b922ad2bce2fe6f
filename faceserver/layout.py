"""How a data folder is laid out: the name of everything that the server makes there.

::

    faces.sqlite                SQLite's file of collections, people and faces
    faces.commits               how many changes it has seen, so that a loss is noticed
    uploadImages/               the stored pictures and crops; see faceserver.store.pictures
    gallery.id                  which gallery this is, for pictures that are kept elsewhere
    index/<collection>/         saved indexes: a cache
    jobs.sqlite, jobs/          jobs, and the zips that they are to read
    webhooks.sqlite             webhooks, and what was sent to them
    keys.sqlite                 API keys
    keys.made                   that there were any, so that a loss lets nobody in
    *.sqlite.damaged-<time>     what repair has set aside of jobs and keys
    audit.jsonl                 what was done by whom, unless a setting puts it elsewhere
    lock                        held by the process that serves the folder
    damaged/<collection>/       rows and pictures that repair has set aside
    before-restore-<time>/      the gallery that a backup took the place of
    restore-<random>.tmp/       a backup on its way in; left by a crash alone

SQLite puts files of its own beside each of its own, with ``-wal`` and ``-shm`` behind the name.
"""

FACES = "faces.sqlite"
COMMITS = "faces.commits"
PICTURES = "uploadImages"
GALLERY_ID = "gallery.id"
INDEX = "index"
JOBS = "jobs.sqlite"
JOB_ZIPS = "jobs"
WEBHOOKS = "webhooks.sqlite"
KEYS = "keys.sqlite"
KEYS_MADE = "keys.made"
AUDIT = "audit.jsonl"
LOCK = "lock"
DAMAGED = "damaged"
BEFORE_RESTORE = "before-restore-"
"""How the name begins; the time follows."""
RESTORING = "restore-"
"""How the name begins; :data:`TEMPORARY` ends it."""
TEMPORARY = ".tmp"
"""Ending of what is being written; what a crash leaves of it means nothing."""

GALLERY = (PICTURES, INDEX, DAMAGED, COMMITS, f"{FACES}-wal", f"{FACES}-shm", FACES)
"""What belongs to a gallery; SQLite's file comes last, it makes the rest valid."""

EVERYTHING = (
    "*.sqlite",
    "*.sqlite-*",
    "*.sqlite.damaged-*",
    COMMITS,
    GALLERY_ID,
    KEYS_MADE,
    f"{AUDIT}*",
    LOCK,
    PICTURES,
    INDEX,
    JOB_ZIPS,
    DAMAGED,
    f"{BEFORE_RESTORE}*",
    f"*{TEMPORARY}",
)
"""Patterns of all that the server makes."""


def with_sqlite_files(name: str) -> tuple[str, str, str]:
    """SQLite's file of this name and those that SQLite puts beside it."""
    return name, f"{name}-wal", f"{name}-shm"
