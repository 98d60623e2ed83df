"""Routes that machines read: health, metrics, and the read API."""
