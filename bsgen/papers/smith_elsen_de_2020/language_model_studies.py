"""Smith, Elsen & De (2020), figures 7 and 9 and table 6: the LSTM."""

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import (
    constant_steps,
    epoch_budget_claims,
    epoch_budgets,
    epoch_budgets_figure,
    language_models,
    two_regimes,
)
from bsgen.papers.smith_elsen_de_2020.optima import Row
from bsgen.studies import claims, shown, study

_TEXT = (
    "At quick scale a narrow LSTM reads a text from a Markov process, whose best "
    "possible perplexity is 7.28."
)


def figure_9_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the runs of figure 9."""
    return language_models.FIGURE_9[scale].runs(num_seeds)


def analyse_figure_9(results: study.Results) -> epoch_budgets.Budgets:
    """Finds both optimal rates at every budget."""
    setting = language_models.budgets_of(results.runs)
    test, training = (
        epoch_budgets.tune(results.runs, metric)
        for metric in (setting.test, setting.training)
    )
    return epoch_budgets.Budgets("LSTM", test, training)


def judge_figure_9(found: epoch_budgets.Budgets) -> list[claims.Claim]:
    """What appendix E says of perplexities and optimal rates."""
    return [
        epoch_budget_claims.improves(found.test),
        epoch_budget_claims.gets_worse(found.test),
        epoch_budget_claims.falls_throughout(found.train),
        epoch_budget_claims.rate_stays(found.test),
        epoch_budget_claims.rate_falls(found.train),
        epoch_budget_claims.falls_more(found.train, found.test),
    ]


def show_figure_9(found: epoch_budgets.Budgets) -> shown.Shown:
    """Draws both perplexities, and the optimal rates."""
    metrics = [found.test.metric.name, found.train.metric.name]
    titles = [*(f"optimum {name}" for name in metrics), "optimal rates"]
    drawn, ((test, training, rates),) = style.panels(titles)
    epoch_budgets_figure.draw_reached(test, found.test, style.BLUE)
    epoch_budgets_figure.draw_reached(training, found.train, style.VERMILLION)
    epoch_budgets_figure.draw_both_rates(rates, found)
    style.legend_above(drawn, rates, test)
    return shown.Shown(drawn, epoch_budgets_figure.table(found))


FIGURE_7 = two_regimes.make_study(
    "smith_elsen_de_2020/fig7",
    "An LSTM under a constant epoch budget, with and without momentum",
    "The word-level LSTM of Zaremba et al. with and without momentum, in the paper on "
    "Penn Treebank for 40 epochs. The paper sees the optimal rate rise as the square "
    f"root of the batch size, and not in proportion. {_TEXT}",
    language_models.FIGURE_7,
    language_models.PERPLEXITY,
    exponent=0.5,
)
TABLE_6 = constant_steps.make_study(
    "smith_elsen_de_2020/table6",
    "An LSTM's perplexities against batch size under a constant step budget",
    f"SGD with momentum 0.9; the paper takes 16,560 steps, 40 epochs at 64. {_TEXT}",
    language_models.TABLE_6,
    of_paper=(
        Row(16, 88.06, 0.26, 35.85, 0.06, 1.4, 1.4, 1.4),
        Row(32, 82.50, 0.13, 28.99, 0.03, 2.0, 2.0, 2.0),
        Row(64, 81.67, 0.26, 23.25, 0.05, 2.8, 2.8, 2.8),
        Row(128, 86.04, 0.49, 21.16, 0.06, 5.6, 5.6, 5.6),
        Row(256, 92.19, 0.26, 15.74, 0.03, 5.6, 5.6, 5.6),
    ),
    metrics=language_models.PERPLEXITY,
)
FIGURE_9 = study.Study(
    "smith_elsen_de_2020/fig9",
    "An LSTM at one batch size and a range of epoch budgets",
    caption="(a) Test perplexity at the rate that minimises it, and (b) training "
    f"perplexity at the rate that minimises that: {epoch_budgets_figure.REACHED}. (c) "
    f"Both optimal effective rates. {epoch_budgets_figure.RATES}. The paper: the test "
    "perplexity falls and rises again beyond 56 epochs, its optimal rate changes by a "
    f"factor of 2 only, and that of the training perplexity falls. {_TEXT}",
    analyse=analyse_figure_9,
    judge=judge_figure_9,
    show=show_figure_9,
    make_runs=figure_9_runs,
    scales=language_models.SCALES,
)
STUDIES = (FIGURE_7, TABLE_6, FIGURE_9)
