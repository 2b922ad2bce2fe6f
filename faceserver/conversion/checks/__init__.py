"""A converted network beside its source, computed by runtimes that are not ours."""
