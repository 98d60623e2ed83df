"""What a viewer takes away: frames to bytes, one record a format."""
