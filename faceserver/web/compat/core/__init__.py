"""CompreFace's core service, embedding-calculator, as CompreFace's back end calls it."""
