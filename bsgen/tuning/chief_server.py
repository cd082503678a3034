"""Where a search's chief answers its workers, until the last of them has left."""

import time
from concurrent import futures

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
    """
    addresses.check_free("chief", address)
    server = grpc.server(
        # One at a time, as the oracle wants it.
        futures.ThreadPoolExecutor(max_workers=1),
        options=(("grpc.so_reuseport", 0),),
    )
    servicer = oracle_chief.OracleServicer(oracle)
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
    finally:
        server.stop(_LAST_ANSWERS_SECONDS).wait()
