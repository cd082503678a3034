"""Where a search's chief answers its workers, until the last of them has left."""

import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from bsgen import errors, interrupts
from bsgen.config import addresses

_POLL_SECONDS = 0.2
_LAST_ANSWERS_SECONDS = 5.0


def serve(oracle: keras_tuner.Oracle, address: addresses.Address) -> None:
    """Answers until the search is over and every worker knows it.

    Unlike keras-tuner's own it says why it cannot listen, shares its port with nobody,
    and leaves at once.

    Args:
      oracle: that hands out the trials.
      address: where to listen.

    Raises:
      UserError: it cannot listen there.
      Exception: what the oracle raised, such as for a full disk; the worker that had
        asked is told, too.
    """
    addresses.check_free("chief", address)
    server = grpc.server(
        # One at a time, as the oracle wants it.
        futures.ThreadPoolExecutor(max_workers=1),
        options=(("grpc.so_reuseport", 0),),
    )
    servicer = _Servicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:  # taken since it was checked
        remedy = "the chief cannot listen there; choose another port"
        raise errors.UserError("chief", str(address), remedy) from error
    server.start()
    try:
        while not (servicer.stop_triggered and oracle_chief.exit_chief(oracle)):
            interrupts.check()
            time.sleep(_POLL_SECONDS)
            if servicer.failure is not None:
                raise servicer.failure
    finally:
        server.stop(_LAST_ANSWERS_SECONDS).wait()


class _Servicer(oracle_chief.OracleServicer):
    """keras-tuner's answers; keeps what goes wrong, after which there are no more."""

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
        except Exception as error:  # noqa: BLE001, whatever it is, the worker is told
            self.failure = error
            return context.abort(grpc.StatusCode.INTERNAL, str(error))
