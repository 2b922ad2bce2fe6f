"""The HTTP server: waitress, with what it lacks to stand in the open and to stop gently.

parser: what is no proper request, or too much of one; channel: one connection; tasks: what is done
for a request; lanes: by whom; connections: who may have one; listening: all together.
"""

from faceserver.server.listening import Server

__all__ = ["Server"]
