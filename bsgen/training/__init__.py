"""The engines that train, and the records that they leave.

Import the module that is needed (`from bsgen.training import ensemble`): the records
are read without TensorFlow, the engines load it.
"""
