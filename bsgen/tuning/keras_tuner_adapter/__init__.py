"""Adapts keras-tuner; nothing outside this folder imports it."""
