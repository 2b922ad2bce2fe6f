"""From what comes in to pictures: bytes, URLs, archives."""
