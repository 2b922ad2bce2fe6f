"""PhotoPrism's vision API: vectors of faces that PhotoPrism has found and cut out."""
