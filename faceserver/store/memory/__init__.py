"""Faces in memory, searched exactly: the oracle that the other stores are compared with."""
