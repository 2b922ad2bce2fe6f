"""CompreFace's REST API: recognition, detection and verification, as its clients call it."""
