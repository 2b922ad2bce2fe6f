"""What goes over the wire under ``/v1``: requests and answers, for the server and its client."""
