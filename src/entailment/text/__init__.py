"""Text to tokens: the readable WordPiece, its fast twin, and sentence pairs."""
