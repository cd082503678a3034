"""The picture of a search from its files."""

import json
import pathlib

import pandas as pd
from absl.testing import absltest, parameterized
from matplotlib.backends import backend_agg

from bsgen import errors
from bsgen.tuning import search_figure

_COLUMNS = ["phase", "batch_size", "learning_rate", "momentum", "status", "scores"]
_APPENDIX_D = [
    (1, 8, 1.0, 0.9, "diverged", "0.0 0.5"),
    (1, 16, 1.0, 0.9, "completed", "0.1 0.9"),
    (1, 32, 1.0, 0.9, "completed", "0.90 0.92"),
    (1, 64, 1.0, 0.9, "completed", "0.94 0.96"),
    (1, 128, 1.0, 0.9, "completed", "0.90 0.90"),
    (2, 64, 1.0, 0.9, "completed", "0.93 0.95"),
    (2, 320, 1.0, 0.98, "completed", "0.94"),
    (2, 320, 1.0, 0.98, "completed", "0.96"),
    (2, 1600, 1.0, 0.996, "out_of_memory", ""),
    (3, 160, 1.0, 0.98, "completed", "0.90 0.92"),
    (3, 480, 1.0, 0.98, "completed", "0.96 0.98"),
]
_CHOSEN = {"batch_size": 480, "learning_rate": 1.0, "momentum": 0.98}
_GENERAL = [
    (None, 64, 0.3, 0.9, "completed", "0.9"),
    (None, 32, 0.1, 0.5, "completed", "0.8"),
    (None, 8, 1.0, 0.99, "failed", None),
]


def table(rows):
    return pd.DataFrame(rows, columns=_COLUMNS).assign(num_steps=100, reason=None)


def draw(rows, recommended=None, metric="validation accuracy", baseline=0.1):
    drawn = search_figure.draw(table(rows), recommended, metric, baseline)
    drawn.savefig(absltest.get_default_test_tmpdir() + "/drawn.png", dpi=40)
    return drawn.axes, drawn.get_supxlabel()


def points(axes, label_start):
    """The drawn points of the curve with that label: errorbars carry no label."""
    handles, labels = axes.get_legend_handles_labels()
    (color,) = [
        handle.get_color()
        for handle, label in zip(handles, labels, strict=True)
        if label.startswith(label_start)
    ]
    found = [bar[0] for bar in axes.containers if bar[0].get_color() == color]
    return [tuple(each) for line in found for each in line.get_xydata().round(6)]


class SearchFigureTest(parameterized.TestCase):
    def test_phases(self):
        (left, right), footer = draw(_APPENDIX_D, _CHOSEN)
        self.assertEqual(left.get_xscale(), "log")
        self.assertEqual(right.get_xscale(), "linear")
        first = [(32, 0.91), (64, 0.95), (128, 0.9)]  # 8 and 16 have not trained
        self.assertEqual(points(left, "phase 1"), first)
        self.assertEqual(points(left, "phase 2"), [(64, 0.94), (320, 0.95)])
        near = [(160, 0.91), (320, 0.95), (480, 0.97)]
        self.assertEqual(points(right, "rate 1, m = 0.98"), near)
        texts = [text.get_text() for text in left.texts]
        self.assertEqual(texts, ["m = 0.9", "m = 0.98", "m = 0.996"])
        crosses = {
            tuple(line.get_xdata())
            for line in left.lines
            if line.get_marker() == "x" and len(line.get_xdata())
        }
        self.assertEqual(crosses, {(8, 16), (1600,)})
        (star,) = [line for line in right.lines if line.get_label() == "recommended"]
        self.assertEqual([*star.get_xydata().round(6)[0]], [480, 0.97])
        self.assertNotIn("recommended", [line.get_label() for line in left.lines])
        self.assertEqual(
            footer,
            "11 trials  ·  1,100 steps  ·  1 diverged  ·  1 out of memory  ·  "
            "bars: standard errors",
        )

    def test_standard_errors(self):
        (left, _), _ = draw(_APPENDIX_D[2:3])
        (bars,) = left.containers[0].lines[2]
        ((_, low), (_, high)) = bars.get_segments()[0]
        # Of 0.90 and 0.92: sd sqrt(2) 0.01 over sqrt(2).
        self.assertAlmostEqual(high - low, 0.02)

    def test_nothing_recommended(self):
        (left, right), _ = draw(_APPENDIX_D[:1])
        self.assertIn("nothing trained here", [text.get_text() for text in left.texts])
        (words,) = right.texts
        self.assertEqual(words.get_text(), "nothing is recommended")

    def test_a_search_that_goes_on(self):
        drawn = search_figure.draw(
            table(_APPENDIX_D[:8]), None, "accuracy", 0.1, has_ended=False
        )
        (words,) = drawn.axes[1].texts
        self.assertEqual(words.get_text(), "nothing is recommended yet")
        (_, right), _ = draw(_APPENDIX_D)
        near = [(160, 0.91), (480, 0.97)]
        self.assertEqual(points(right, "rate 1, m = 0.98"), near)

    def test_marks_stay_inside_the_frame(self):
        (left, _), _ = draw(_APPENDIX_D, _CHOSEN)
        renderer = backend_agg.FigureCanvasAgg(left.figure).get_renderer()
        left.figure.draw(renderer)
        frame = left.get_window_extent(renderer)
        for text in left.texts:
            box = text.get_window_extent(renderer)
            self.assertGreaterEqual(box.x0, frame.x0, text)
            self.assertLessEqual(box.x1, frame.x1, text)

    def test_a_loss_has_its_own_sign_and_the_users_optimizer_is_a_line(self):
        rows = [(0, 32, None, None, "completed", "-0.4 -0.6")]
        rows += [(1, 8, 1.0, 0.9, "completed", "-0.2 -0.4")]
        rows += [(1, 16, 1.0, 0.9, "diverged", "nan -0.1")]
        rows += [(3, 8, 1.0, 0.9, "completed", "-0.2 -0.4")]
        rows += [(4, 8, 1.0, 0.9, "completed", "-0.9 -0.9")]  # in no panel
        trials = table(rows).assign(
            optimizer=["Adam"] + ["Momentum"] * 4,
            reason=["own optimizer", "batch size", "batch size", "neighbour", None],
        )
        chosen = {"batch_size": 8, "learning_rate": 1.0, "momentum": 0.9}
        drawn = search_figure.draw(trials, chosen, "validation loss", -1.0, True)
        for axes in drawn.axes:
            self.assertEqual(axes.get_ylabel(), "validation loss (lower is better)")
            label = "your own Adam, B = 32"
            lines = [line for line in axes.lines if line.get_label() == label]
            self.assertEqual([line.get_ydata()[0] for line in lines], [0.5])
        self.assertEqual(points(drawn.axes[0], "phase 1"), [(8, 0.3)])
        self.assertEqual(points(drawn.axes[1], "rate 1"), [(8, 0.3)])

    def test_successive_halving(self):
        rows = [(1, 8, 1.0, 0.9, "completed", "0.5")]
        rows += [(1, 8, 0.3, 0.9, "completed", "0.4")]
        rows += [(2, 8, 1.0, 0.9, "completed", "0.7")]
        rows += [(4, 8, 1.0, 0.9, "completed", "0.8 0.9")]
        trials = table(rows).assign(share=[0.05, 0.05, 0.35, 1.0])
        chosen = {"batch_size": 8, "learning_rate": 1.0, "momentum": 0.9}
        left, right = search_figure.draw(trials, chosen, "score", 0.1).axes
        self.assertEqual(left.get_title(loc="left"), "(a) after 0.05 of a run")
        self.assertEqual(points(left, "learning rate 1"), [(8, 0.5)])
        self.assertEqual(points(left, "learning rate 0.3"), [(8, 0.4)])
        self.assertEqual(points(right, "learning rate 1"), [(8, 0.85)])

    def test_another_oracle(self):
        chosen = {"batch_size": 64, "learning_rate": 0.3, "momentum": 0.9}
        (left, right), _ = draw(_GENERAL, chosen)
        self.assertEqual(points(left, "m = 0.5"), [(32, 0.8)])
        # 0.1 / (32 (1 - 0.5))
        self.assertEqual(points(right, "m = 0.5"), [(0.00625, 0.8)])
        self.assertIn("recommended", right.get_legend_handles_labels()[1])

    @parameterized.parameters((None,), (_CHOSEN,))
    def test_writes_from_the_files(self, recommended):
        folder = pathlib.Path(self.create_tempdir().full_path)
        with self.assertRaisesRegex(errors.UserError, "holds no finished search"):
            search_figure.write(folder)
        described = {"metric": "minus validation loss", "baseline_score": -3.0}
        (folder / "search.json").write_text(json.dumps(described))
        table(_APPENDIX_D).to_csv(folder / "trials.csv", index=False)
        if recommended:
            found = json.dumps({"setting": recommended})
            (folder / "recommendation.json").write_text(found)
        path = search_figure.write(folder)
        self.assertEqual(path, folder / "figure.png")
        self.assertStartsWith(path.read_bytes().decode("latin1"), "\x89PNG")


if __name__ == "__main__":
    absltest.main()
