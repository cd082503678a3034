"""How a search trains one setting: the project's own networks, or any Keras model."""
