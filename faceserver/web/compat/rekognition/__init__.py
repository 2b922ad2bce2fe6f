"""Amazon Rekognition's operations on faces, for its unmodified clients."""
