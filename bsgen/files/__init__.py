"""What touches the disk: atomic writes, strict JSON, JSON lines and locks."""
