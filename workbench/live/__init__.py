"""Live output: progress, and faces and maps in notebooks, which no file keeps."""
