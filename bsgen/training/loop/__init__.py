"""Trains one run of any network under a `tf.distribute` strategy."""
