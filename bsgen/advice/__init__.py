"""Advice on going from one batch size to another, in words and numbers."""

from bsgen.advice.advice import Advice, Sentence
from bsgen.advice.evidence import Evidence
from bsgen.advice.measuring import advise, measure
from bsgen.advice.rules import advice_on
from bsgen.advice.situation import Situation

__all__ = [
    "Advice",
    "Evidence",
    "Sentence",
    "Situation",
    "advice_on",
    "advise",
    "measure",
]
