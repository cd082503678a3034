"""New models from a user's function, all alike, and their optimizers."""

import weakref
from collections.abc import Callable
from typing import Any

import keras

from bsgen import errors

# Keras chooses among its own classes for these, by the shapes of targets and outputs.
_CHOSEN_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


class FreshModels:
    """Calls a user's function and checks the models that it returns."""

    def __init__(self, build_model: Callable[[], keras.Model]):
        """Checks the function without calling it.

        Raises:
          UserError: it is no function, or one that needs arguments.
        """
        if isinstance(build_model, keras.Model) or not callable(build_model):
            remedy = "give a function that returns a new Keras model at every call, "
            remedy += "since every trial begins with new weights"
            raise errors.UserError("build_model", type(build_model).__name__, remedy)
        errors.check_no_arguments("build_model", build_model)
        self._build_model = build_model
        self._num_calls = 0
        self._models: list[weakref.ref[keras.Model]] = []
        self._trained: dict[int, weakref.ref[keras.Variable]] = {}
        self._form: list[Any] = []
        self._optimizers: list[weakref.ref[keras.optimizers.Optimizer]] = []

    def new(self, seed: int) -> keras.Model:
        """Returns a new model.

        Args:
          seed: of its weights, and of all that Keras draws afterwards.

        Raises:
          UserError: it is no model, not a new one, or unlike those before.
        """
        keras.utils.set_random_seed(seed)
        model = self._build_model()
        self._num_calls += 1
        if not isinstance(model, keras.Model):
            remedy = "let it return a Keras model"
            raise errors.UserError("build_model", type(model).__name__, remedy)
        self._check_is_new(model)
        self._check_is_alike(model)
        self._give_an_optimizer_of_its_own(model)
        return model

    def _check_is_new(self, model: keras.Model) -> None:
        if any(known() is model for known in self._models):
            remedy = "it returned the same model object twice, which would be trained "
            remedy += "on and on: let it build a new one at every call"
            raise errors.UserError("build_model", model.name, remedy)
        alive = [known for known in self._models if known() is not None]
        self._models = [*alive, weakref.ref(model)]
        for variable in model.trainable_variables:
            known = self._trained.get(id(variable))
            is_known = known is not None and known() is variable
            if is_known:
                remedy = f"its models share the trainable weights {variable.path!r}, "
                remedy += "which would be trained on and on: build all layers again"
                raise errors.UserError("build_model", model.name, remedy)
        self._trained = {
            id(variable): weakref.ref(variable)
            for variable in model.trainable_variables
        }

    def _give_an_optimizer_of_its_own(self, model: keras.Model) -> None:
        """Copies, untrained, an optimizer that an earlier model was compiled with.

        An optimizer can train the variables of one model only.

        Raises:
          UserError: it cannot be copied.
        """
        if not model.compiled or model.optimizer is None:
            return
        own = model.optimizer
        inner = getattr(own, "inner_optimizer", own)  # under loss scaling
        if not any(known() is inner for known in self._optimizers):
            alive = [known for known in self._optimizers if known() is not None]
            self._optimizers = [*alive, weakref.ref(inner)]
            return
        try:
            copy = type(own).from_config(own.get_config())
        except Exception as error:  # noqa: BLE001, the class may be the user's
            name = type(inner).__name__
            remedy = f"its models share one optimizer ({name}), which cannot be copied "
            remedy += "by get_config and from_config: make a new one at every call"
            raise errors.UserError("build_model", model.name, remedy) from error
        _exchange_optimizer(model, copy)

    def _check_is_alike(self, model: keras.Model) -> None:
        form = [tuple(weight.shape) for weight in model.weights]
        if not form:
            return  # it is built by the first data
        if self._form and form != self._form:
            pairs = zip(self._form, form, strict=False)
            differing = next((pair for pair in pairs if pair[0] != pair[1]), None)
            first, now = differing or (f"{len(self._form)}", f"{len(form)}")
            remedy = f"at call {self._num_calls} it returned a model of other weights "
            remedy += f"than before ({now} instead of {first}): let all be alike"
            raise errors.UserError("build_model", model.name, remedy)
        self._form = form


def compile_by_default(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Any, metrics: Any
) -> None:
    """Gives a model an optimizer; everything else stays as its user compiled it.

    Args:
      model: compiled or not.
      optimizer: replaces the model's own. Under mixed_float16 it is wrapped in loss
        scaling, as `compile` does, and as the user's own was.
      loss: for a model that is not compiled.
      metrics: for a model that is not compiled, as for `compile`.

    Raises:
      UserError: there are two losses or none, or Keras knows none of that name.
    """
    if not model.compiled:
        if loss is None:
            remedy = "give a loss, or let build_model return a compiled model"
            raise errors.UserError("loss", None, remedy)
        _check_name("loss", loss, keras.losses.get)
        for metric in keras.tree.flatten(metrics):
            _check_name("metric", metric, keras.metrics.get)
        model.compile(optimizer, loss, metrics=metrics)
        return
    if loss is not None:
        remedy = "the model is compiled with a loss of its own; leave it out"
        raise errors.UserError("loss", loss, remedy)
    scaling = keras.optimizers.LossScaleOptimizer
    own = model.optimizer
    if isinstance(own, scaling):
        more = {
            name: own.get_config()[name]
            for name in ("initial_scale", "dynamic_growth_steps")
        }
        optimizer = scaling(optimizer, **more)
    elif own is None and model.dtype_policy.name == "mixed_float16":
        optimizer = scaling(optimizer)
    _exchange_optimizer(model, optimizer)


def _exchange_optimizer(
    model: keras.Model, optimizer: keras.optimizers.Optimizer
) -> None:
    """Gives a compiled model another optimizer; everything else stays."""
    model.optimizer = optimizer
    # A function that was traced before holds the old optimizer.
    model.train_function = None


def _check_name(argument: str, name: Any, get: Callable[[str], Any]) -> None:
    if not isinstance(name, str) or name in _CHOSEN_BY_SHAPE:
        return
    try:
        get(name)
    except ValueError as error:
        remedy = f"Keras knows no such {argument}"
        raise errors.UserError(argument, name, remedy) from error
