"""Tuning batch size, learning rate and momentum."""

from bsgen.tuning.appendix_d import AppendixD
from bsgen.tuning.guided import Guided
from bsgen.tuning.outcomes import Outcome
from bsgen.tuning.plans import Decision, Plan
from bsgen.tuning.recommendations import NextLarger, Recommendation
from bsgen.tuning.settings import Request, Setting, logarithmic_batch_sizes

__all__ = [
    "AppendixD",
    "Decision",
    "Guided",
    "NextLarger",
    "Outcome",
    "Plan",
    "Recommendation",
    "Request",
    "Setting",
    "logarithmic_batch_sizes",
]
