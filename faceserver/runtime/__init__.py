"""How work runs: threads, batches, deadlines, files, logs and figures. It knows no faces."""
