"""DeepFace's REST API, with the list and the deletion that it lacks."""
