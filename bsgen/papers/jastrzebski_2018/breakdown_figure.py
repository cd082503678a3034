"""Draws figure 5 of Jastrzebski et al. (2018): learning curves of every beta."""

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, learning_curves_figure
from bsgen.studies import shown


def show(found: dict[int, dict[int, learning_curves.Setting]]) -> shown.Shown:
    """Draws the curves of every beta, one panel per training set size."""
    drawn, (panels,) = style.panels([f"N = {size:,}" for size in found])
    for axes, by_beta in zip(panels, found.values(), strict=True):
        for place, (beta, setting) in enumerate(by_beta.items()):
            best = setting.runs["best_test_accuracy"].astype(float)
            label = rf"{beta} ({best.mean():.3f} $\pm$ {best.std():.3f})"
            label += "*" if (setting.runs["status"] == "diverged").any() else ""
            if beta > 1:
                apart = learning_curves.relative_distance(setting, by_beta[1])
                label += f", {apart.interval().value:.1f}"
            color = style.sequential(place / max(1, len(by_beta) - 1))
            means = style.over_seeds(setting.accuracies)["value"]
            axes.plot(means.index, means, color=color, label=label)
        title = r"$\beta$ (best: mean $\pm$ s.d.), distance"
        axes.legend(title=title, loc="lower right")
    every = [setting for by_beta in found.values() for setting in by_beta.values()]
    learning_curves_figure.accuracy_by_epoch(panels, every)
    return shown.Shown(drawn)
