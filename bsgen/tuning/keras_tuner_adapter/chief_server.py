"""The chief of a search: answers its workers until the last of them has left."""

import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import keras_tuner

from bsgen import errors, interrupts
from bsgen.config import addresses
from bsgen.tuning.keras_tuner_adapter import undocumented

_POLL_SECONDS = 0.2
_LAST_ANSWERS_SECONDS = 5.0


def serve(oracle: keras_tuner.Oracle, address: addresses.Address) -> None:
    """Answers until the search is over and every worker knows it.

    Unlike keras-tuner's own server it says why it cannot listen, shares its port with
    no other process, and ends at once.

    Args:
      oracle: hands out the trials.
      address: where to listen.

    Raises:
      UserError: it cannot listen there.
      Exception: whatever the oracle raised, for a full disk for example; the worker
        that had called gets the message, too.
    """
    addresses.check_free("chief", address)
    server = grpc.server(
        # One call at a time: the oracle is not safe for more.
        futures.ThreadPoolExecutor(max_workers=1),
        options=(("grpc.so_reuseport", 0),),
    )
    servicer = _Servicer(oracle)
    undocumented.add_to_server(servicer, server)
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:  # taken since it was checked
        remedy = "the chief cannot listen there; choose another port"
        raise errors.UserError("chief", str(address), remedy) from error
    server.start()
    try:
        while not (servicer.stop_triggered and undocumented.is_over(oracle)):
            interrupts.check()
            time.sleep(_POLL_SECONDS)
            if servicer.failure is not None:
                raise servicer.failure
    finally:
        server.stop(_LAST_ANSWERS_SECONDS).wait()


class _Servicer(undocumented.OracleServicer):
    """keras-tuner's answers; keeps an error, after which the chief ends."""

    failure: Exception | None = None

    def CreateTrial(self, request: Any, context: Any) -> Any:
        return self._answer(super().CreateTrial, request, context)

    def UpdateTrial(self, request: Any, context: Any) -> Any:
        return self._answer(super().UpdateTrial, request, context)

    def EndTrial(self, request: Any, context: Any) -> Any:
        return self._answer(super().EndTrial, request, context)

    def _answer(self, answer: Callable[..., Any], request: Any, context: Any) -> Any:
        try:
            return answer(request, context)
        except Exception as error:  # noqa: BLE001, sent to the worker, whatever it is
            self.failure = error
            return context.abort(grpc.StatusCode.INTERNAL, str(error))
