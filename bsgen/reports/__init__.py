"""Figures, tables of claims and the page, made from recorded files only.

Import the module that is needed (`from bsgen.reports import page`); none of them loads
TensorFlow or trains anything.
"""
