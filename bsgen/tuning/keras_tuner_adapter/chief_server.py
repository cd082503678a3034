"""The chief of a search: answers its workers until the last of them has left."""

import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc

from bsgen import errors, interrupts
from bsgen.config import addresses
from bsgen.tuning.keras_tuner_adapter import undocumented

_POLL_SECONDS = 0.2
_LAST_ANSWERS_SECONDS = 5.0


def serve(
    oracle: Any,
    address: addresses.Address,
    is_over: Callable[[], bool] | None = None,
) -> None:
    """Answers until the search is over and every worker knows it.

    Unlike keras-tuner's own server it says why it cannot listen, shares its port with
    no other process, and ends at once.

    Args:
      oracle: hands out the trials; a `keras_tuner.Oracle`, or what workers see of one.
      address: where to listen.
      is_over: whether to end; None for when no trial is running, and every worker that
        has called has been told to stop.

    Raises:
      UserError: it cannot listen there.
      Exception: whatever the oracle raised, for a full disk for example; the worker
        that had called gets the message, too.
    """
    addresses.check_free("chief", address)
    server = grpc.server(
        # One call at a time: the oracle is not safe for more.
        futures.ThreadPoolExecutor(max_workers=1),
        # Results of a sweep may be larger than the default limit.
        options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)),
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
        while not (is_over or servicer.is_over)():
            interrupts.check()
            time.sleep(_POLL_SECONDS)
            if servicer.failure is not None:
                raise servicer.failure
    finally:
        server.stop(_LAST_ANSWERS_SECONDS).wait()


class _Servicer(undocumented.OracleServicer):
    """keras-tuner's answers; keeps an error, after which the chief ends."""

    failure: Exception | None = None

    def is_over(self) -> bool:
        """Whether no trial is running, and every worker has been told to stop."""
        return self.stop_triggered and undocumented.is_over(self.oracle)

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
