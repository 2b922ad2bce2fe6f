"""Faces in SQLite, one process to a data folder: rows are the truth, the index follows them."""
