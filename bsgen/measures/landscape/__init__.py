"""The loss along lines and directions, and distances between weights."""
