"""Machine Box's Facebox: faces are taught under an id and a name, and checked."""
