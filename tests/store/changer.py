"""A process that changes a store's model until it is killed: run by the test of such kills.

Takes a step for each line that it reads, and prints what it has done: "put", with one more batch
acknowledged. When no face is pending, it prints "full", and the next step is the switch.
"""

import sys
from pathlib import Path

from faceserver.store import Options, open_store
from tests.store.samples import DIMS, MODEL, people

FACES = 60
BATCH = 4
OLD, NEW = people(FACES), people(FACES, seed=1)
OPTIONS = Options(exact_up_to=20, any_model=True)


def main() -> None:
    store = open_store(Path(sys.argv[1]), model=MODEL, dims=DIMS, options=OPTIONS)
    change = store.change_model("default", model="new", dims=DIMS)
    while faces := change.pending(limit=BATCH).items:
        sys.stdin.readline()
        change.put({face.id: NEW[int(face.source[:-4])] for face in faces})
        print("put", flush=True)
    print("full", flush=True)
    sys.stdin.readline()
    change.finish()
    store.close()


if __name__ == "__main__":
    main()
