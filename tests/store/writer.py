"""A process that stores faces until it is killed: run by the crash test.

Prints a line before it opens the store, one when it is open, and one for each acknowledged batch:
the number of its first face and the ids.
"""

import sys
from itertools import count
from pathlib import Path

from faceserver.store import durable, open_store
from tests.store.crash import BATCH, DIMS, EXACT_UP_TO, MODEL, batch


def main() -> None:
    # Saves after every few faces, so that kills meet them often.
    durable._LEAST_TO_SAVE = 7
    print("opening", flush=True)
    store = open_store(Path(sys.argv[1]), model=MODEL, dims=DIMS, exact_up_to=EXACT_UP_TO)
    print("open", flush=True)
    for first in count(store.count(), BATCH):
        stored = store.add(batch(first))
        print(first, *(face.id for face in stored), flush=True)


if __name__ == "__main__":
    main()
