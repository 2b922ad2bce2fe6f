"""A network as a plain list of layers, between the readers and the writers."""
