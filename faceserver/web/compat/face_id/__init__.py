"""The protocol of a face id server (FaceNet on Triton): people are numbers."""
