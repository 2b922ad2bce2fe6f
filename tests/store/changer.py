"""A process that changes a store's model until it is killed: run by the test of such kills.

Prints "put N" once N more faces are acknowledged to have their new vector, and "finish" before the
switch.
"""

import sys
from pathlib import Path

from faceserver.store import Options, open_store
from tests.store.samples import DIMS, MODEL, people

FACES = 60
OLD, NEW = people(FACES), people(FACES, seed=1)
OPTIONS = Options(exact_up_to=20, any_model=True)


def main() -> None:
    store = open_store(Path(sys.argv[1]), model=MODEL, dims=DIMS, options=OPTIONS)
    change = store.change_model("default", model="new", dims=DIMS)
    while faces := change.pending(limit=4).items:
        change.put({face.id: NEW[int(face.source[:-4])] for face in faces})
        print("put", len(faces), flush=True)
    print("finish", flush=True)
    change.finish()
    store.close()


if __name__ == "__main__":
    main()
