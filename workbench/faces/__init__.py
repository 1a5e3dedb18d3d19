"""From pictures to templates: the only room that imports deepface and dlib."""
