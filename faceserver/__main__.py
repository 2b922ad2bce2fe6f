"""``python -m faceserver``."""

from faceserver.cli.main import main

main()
