"""Advice as a pure function of a situation: one sentence, or a few, a topic.

Every sentence says which paper it comes from, what it assumes, and what the studies of
this project found about it (`evidence`). The papers speak of SGD with momentum, and so
does the advice.
"""

import math

from bsgen.advice import evidence, longer_training, quantities, rates
from bsgen.advice.advice import Advice, Sentence
from bsgen.advice.situation import Situation
from bsgen.advice.words import count, number, times

_SED = "Smith, Elsen & De (2020)"
_MCCANDLISH = "McCandlish, Kaplan & Amodei (2018)"
_HEAVY = 0.9  # the momentum of the papers
_LINEAR = evidence.LINEAR_RULE + evidence.LINEAR_OVER_SQUARE_ROOT
MEASURED = "measured"
BY_DEFINITION = "by definition"


def advice_on(present: Situation) -> Advice:
    """Returns what to do, and the numbers behind it."""
    sentences = [
        _learning_rate(present),
        _regime(present),
        _critical_rate(present),
        _gradient_noise(present),
        _noise_scale(present),
        _momentum(present),
        *_normalization(present),
        *longer_training.sentences(present),
        _limit(present),
        *_cautions(present),
    ]
    return Advice(tuple(sentences), quantities.named(present))


def _learning_rate(present: Situation) -> Sentence:
    rules, rate = rates.by_rule(present), rates.advised(present)
    is_bounded = present.growth > 1.0 and rate >= present.critical_learning_rate
    others = (
        f"the linear rule gives {number(rules['linear'])}, the square root "
        f"{number(rules['sqrt'])}, no change {number(rules['none'])}"
    )
    change = f"from batch size {present.batch_size:,} to {present.target_batch_size:,}"
    if present.growth == 1.0:
        text = f"keep {number(rate)}: the batch size stays"
    elif present.growth < 1.0:
        text = f"{change}, take {number(rate)}, in proportion ({others})"
    elif is_bounded and rate == present.learning_rate:
        text = (
            f"{change}, keep {number(rate)}: it has reached the critical rate, so that "
            f"a larger batch allows no larger rate ({others})"
        )
    elif is_bounded:
        text = f"{change}, take at most {number(rate)}, the critical rate ({others})"
    elif math.isinf(present.gradient_noise_scale):
        text = f"{change}, take {number(rate)}, in proportion: all is noise ({others})"
    else:
        text = (
            f"{change}, take {number(rate)}: the rate follows the batch size in "
            "proportion as long as that is far below the gradient noise scale, "
            f"{count(present.gradient_noise_scale)}, and ever less beyond ({others})"
        )
    return Sentence(
        "learning rate",
        f"{text}. Try half of it and twice of it, too.",
        f"{_MCCANDLISH}, section 2.2; {_SED}, sections 3.1 and 3.2; Smith & Le (2017), "
        "section 5, for the linear rule; Hoffer et al. (2017), eq. 7, for the root",
        f"equal epochs; {number(present.learning_rate)} is a good rate at batch size "
        f"{present.batch_size:,}; noise and curvature in training stay what was "
        "measured",
        evidence.CONSTANT_RATE if is_bounded else _LINEAR,
        tested=evidence.AGAINST_SWEEPS if present.growth > 1.0 else "",
    )


def _regime(present: Situation) -> Sentence:
    found, agree = rates.regime(present), rates.measures_agree(present)
    share = present.share_of_critical_rate
    speaks = {
        True: "the gradient noise scale says the same",
        False: "the gradient noise scale says otherwise, so this is unsure",
        None: "the gradient noise scale decides for neither regime",
    }[agree]
    return Sentence(
        "regime",
        f"the present setting is {found}: its rate is {share:.2g} of the critical "
        f"one; {speaks} ({count(present.gradient_noise_scale)} examples against "
        f"batches of {present.batch_size:,}).",
        f"{_SED}, sections 3.2 and 3.3",
        f"noise dominates up to {rates.NOISE_SHARE:g} of the critical rate (our "
        "choice), curvature from the critical rate on",
        evidence.SAME_WITHOUT_MOMENTUM + evidence.LOSS_OF_LARGE_BATCHES,
    )


def _critical_rate(present: Situation) -> Sentence:
    rate, error = present.critical_learning_rate, present.critical_learning_rate_error
    if math.isinf(rate):
        text = "no direction of the loss curves upwards here, so none bounds the rate."
    else:
        around = f" ± {error:.1g}" if math.isfinite(error) else ""
        text = (
            f"2 (1 + m) / lambda_max = {number(rate)}{around} at momentum "
            f"{present.momentum:g}, where full-batch descent becomes unstable."
        )
    return Sentence(
        "critical rate",
        text,
        f"{_SED}, section 3.1; with momentum `theory.critical_learning_rate`",
        f"measured at the weights given, in {present.mode} mode; curvature changes in "
        "training, mostly early on. Heavy-ball momentum: Nesterov's bears less",
        evidence.BOUNDARY,
    )


def _gradient_noise(present: Situation) -> Sentence:
    scale, error = present.gradient_noise_scale, present.gradient_noise_scale_error
    examples = f"{present.num_examples:,} examples"
    if math.isinf(scale):
        text = (
            f"the gradient cannot be told from 0 on {examples}: all of a batch's "
            "gradient is noise, and no batch size is seen beyond which a larger one "
            "ceases to pay."
        )
    else:
        around = f" ± {count(error)}" if math.isfinite(error) else ""
        ratio = math.sqrt(scale / present.batch_size)
        needed = rates.updates_needed(present)
        text = (
            f"the gradient noise scale is {count(scale)}{around} examples: in batches "
            f"of {present.batch_size:,} noise is {ratio:.2g} times as long as the "
            "gradient. This is the critical batch size: well below it twice the batch "
            "saves nearly half of the updates, well above it nearly none. Batches of "
            f"{present.target_batch_size:,} need {needed:.2g} times as many updates, "
            f"and so {needed * present.growth:.2g} times as many examples, each at "
            "its own best rate."
        )
    return Sentence(
        "gradient noise",
        text,
        f"{_MCCANDLISH}, arXiv 1812.06162, sections 2.2 and 2.3",
        f"measured on {examples} at the weights given, in {present.mode} mode; it "
        "grows during training, often tenfold and more. Speaks of the training loss, "
        "and takes curvature to be alike in all directions",
        sureness=f"{MEASURED}; what follows from it is {evidence.UNTESTED} here",
    )


def _noise_scale(present: Situation) -> Sentence:
    return Sentence(
        "noise scale",
        "theory.noise_scale, epsilon N / (B (1 - m)), is "
        f"{number(present.noise_scale)} now, and the temperature epsilon / "
        f"(B (1 - m)) {number(present.temperature)}. It says how strongly the setting "
        "lets noise shake the weights; the gradient noise scale says how much noise "
        "the data have. The linear rule keeps the former; at the "
        f"critical rate it belongs to batch size "
        f"{count(present.boundary_batch_size)}.",
        f"Smith & Le (2017), eq. 26; {_SED}, eq. 3",
        "batches much smaller than the training set",
        sureness=BY_DEFINITION,
    )


def _momentum(present: Situation) -> Sentence:
    m, rate = present.momentum, rates.advised(present)
    beyond = present.target_batch_size > present.boundary_batch_size
    source = f"{_SED}, section 3.3; Smith & Le (2017), after eq. 26"
    same = "with epsilon / (1 - m) kept, momentum changes nothing"
    if m or not beyond:
        keep = f"keep {m:g}" + ("" if m else " (none)")
        why = ": it bears larger rates than none where curvature dominates"
        text = f"{keep}{why if m and beyond else f': where noise dominates, {same}'}."
        found = evidence.MOMENTUM if m and beyond else evidence.SAME_WITHOUT_MOMENTUM
    else:
        text = (
            f"try {_HEAVY:g} with the rate {number(rate * (1 - _HEAVY))}, the same "
            f"effective rate, and then twice, four and eight times that: batches of "
            f"{present.target_batch_size:,} lie beyond the boundary, where momentum "
            "bears larger effective rates."
        )
        found = evidence.MOMENTUM
    return Sentence(
        "momentum", text, source, "heavy-ball momentum, equal epochs", found
    )


def _normalization(present: Situation) -> list[Sentence]:
    size = quantities.ghost_batch_size(present)
    if size is None or present.growth <= 1.0:
        return []
    text = f"keep ghosts of {size:,} examples"
    if present.normalization == "batch":
        text = (
            "normalize by ghosts, so that statistics are of as many examples as "
            f"before: layers.replace_batch_normalization(model, {size})"
        )
    return [
        Sentence(
            "ghosts",
            f"{text}. On several devices batch normalization sees the batch of one.",
            f"Hoffer et al. (2017), section 4 and algorithm 1; {_SED}, section 3.2",
            f"batches of {present.target_batch_size:,} are a multiple of {size:,}",
            evidence.GHOSTS,
        )
    ]


def _limit(present: Situation) -> Sentence:
    most, target = present.boundary_batch_size, present.target_batch_size
    scale = present.gradient_noise_scale
    reaches = "where the linear rule reaches the critical rate"
    if most > present.train_size:
        text = (
            "no bound is seen up to the full batch: the linear rule stays below the "
            "critical rate. Watch the validation score."
        )
    elif most <= present.batch_size:
        text = (
            "do not grow in equal epochs: the rate has reached the critical one at "
            f"batch size {present.batch_size:,} already."
        )
    elif target > most:
        ratio = target / most
        far = "just above" if ratio < 1.05 else times(ratio)
        text = (
            f"stop growing at about {count(most)}, {reaches}. {target:,} is {far} "
            "that; in equal epochs expect to lose accuracy."
        )
    else:
        text = f"{target:,} is within reach; stop growing at about {count(most)}, "
        text += f"{reaches}."
    if target > scale:
        text += (
            f" Batches of {target:,} are larger than the gradient noise scale as "
            "well; measure that again late in training, when it is largest."
        )
    return Sentence(
        "when to stop",
        text,
        f"{_SED}, sections 5 and 8; {_MCCANDLISH}, section 2.3",
        "equal epochs, and as for the learning rate",
        evidence.LOSS_OF_LARGE_BATCHES + evidence.BOUNDARY,
    )


def _cautions(present: Situation) -> list[Sentence]:
    """Returns what weakens all of the above."""
    notes = []
    if present.num_updates == 0:
        notes.append(
            "the weights seem to be initial ones, where all examples pull the same "
            "way: the gradient noise scale is far too small there, and curvature that "
            "of a place soon left. Train for an epoch or two at the present setting "
            "first."
        )
    if present.normalization != "none" and present.mode == "inference":
        notes.append(
            "batch normalization was measured in inference mode, by its running "
            "averages: in training each example's gradient also depends on the others "
            "of its batch."
        )
    if present.optimizer and present.optimizer not in ("SGD", "Momentum"):
        notes.append(
            f"the model is compiled with {present.optimizer}, which rescales "
            "gradients: the critical rate and all rules here are those of SGD with "
            "momentum, and do not hold for it."
        )
    if not notes:
        return []
    text = " ".join([notes[0], *(f"{one[0].upper()}{one[1:]}" for one in notes[1:])])
    return [Sentence("caution", text, "", "", sureness="seen in the model")]
