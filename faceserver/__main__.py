"""``python -m faceserver``."""

from faceserver.cli import main

main()
