"""Tuning procedures as pure functions of the finished trials."""
