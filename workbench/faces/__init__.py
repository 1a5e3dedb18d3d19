"""Detection, tracking and recognition of faces; the only room that imports deepface and dlib."""
