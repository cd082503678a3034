"""Tests of `launch.run_display`: what a run shows when it is piped."""

import contextlib
import io

from absl.testing import absltest, parameterized

from bsgen import config
from bsgen.training.observer import TrainingProgress
from launch import run_display

_AUTOENCODER = {
    "model": config.ModelConfig("autoencoder"),
    "loss": "squared_error",
}
_LSTM = {
    "data": config.DataConfig("markov_text", scaling="none", sampling="contiguous"),
    "model": config.ModelConfig("lstm"),
    "loss": "token_cross_entropy",
}


class RunDisplayTest(parameterized.TestCase):
    @parameterized.parameters(
        (
            {},
            {"test_cross_entropy": 0.3, "test_accuracy": 0.875},
            "step 1,000 (epoch 2.5); test 0.8750 (loss 0.3000); 1,234 examples/s",
        ),
        (
            {"weight_distance": True},
            {"test_cross_entropy": 0.3, "test_accuracy": 0.5, "weight_distance": 1.25},
            "step 1,000 (epoch 2.5); test 0.5000 (loss 0.3000); weight distance 1.25; "
            "1,234 examples/s",
        ),
        (
            _LSTM,
            {"test_cross_entropy": 2.0, "test_perplexity": 7.389},
            "step 1,000 (epoch 2.5); test 7.3890 (loss 2.0000); 1,234 windows/s",
        ),
        (
            _AUTOENCODER,
            {"batch_mse": 2.5, "validation_mse": 2.75, "test_mse": 3.0},
            "step 1,000 (epoch 2.5); training 2.5000; validation 2.7500; test 3.0000; "
            "1,234 examples/s",
        ),
    )
    def test_an_evaluation_in_words(self, fields, metrics, expected):
        run = config.RunConfig(num_steps=2000, **fields)
        record = {"step": 1000, "epoch": 2.5, "images_per_second": 1234.0, **metrics}
        named = {name.partition("_")[2]: value for name, value in metrics.items()}
        text = io.StringIO()
        with contextlib.redirect_stdout(text), run_display.RunDisplay(run) as display:
            display.started(0)
            display.advanced(TrainingProgress(999, 2.49, named, 1e3))
            display.advanced(TrainingProgress(1000, 2.5, named, 1e3, record))
        self.assertEqual(text.getvalue().splitlines(), [expected])


if __name__ == "__main__":
    absltest.main()
