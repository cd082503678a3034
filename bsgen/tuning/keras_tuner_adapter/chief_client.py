"""A worker's connection to its chief, which survives a restart of the chief."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
import keras_tuner

from bsgen import errors, interrupts
from bsgen.tuning.keras_tuner_adapter import (
    process_role,
    resumable_oracle,
    undocumented,
)

_RETRY_SECONDS = 0.5
_OPTIONS = (
    # By default it takes up to two minutes to notice that a chief is back.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_http_proxy", 0),
)


class ChiefClient(undocumented.OracleClient):
    """keras-tuner's client, which calls again if the chief was killed meanwhile.

    A chief that stays away ends the worker with a `UserError` after
    `process_role.patience()` seconds, 300 by default.

    Args:
      oracle: as in keras-tuner; None where only the chief's is asked.
    """

    def __init__(self, oracle: keras_tuner.Oracle | None):
        super().__init__(oracle)
        place = str(process_role.chief())
        channel = grpc.insecure_channel(place, _OPTIONS)
        stub = undocumented.stub(channel)
        self.stub = _PatientStub(stub, place, process_role.patience())
        self._place = place

    def check(self, identity: Mapping[str, Any]) -> None:
        """Compares the chief's search with this worker's.

        Args:
          identity: versions and description of the search, as JSON types.

        Raises:
          UserError: they differ, so nothing may be trained.
        """
        sent = self.get_space().values.get(resumable_oracle.IDENTITY)
        if sent is None:
            return  # an oracle of the user's own
        theirs, ours = json.loads(sent), json.loads(json.dumps(identity))
        names = sorted({*theirs, *ours})
        wrong = [name for name in names if theirs.get(name) != ours.get(name)]
        if wrong:
            first = wrong[0]
            remedy = (
                f"not what this worker has: {', '.join(wrong)} differ ({first}: "
                f"{theirs.get(first)!r} there, {ours.get(first)!r} here); give chief "
                "and workers the same version and flags"
            )
            raise errors.UserError("chief", self._place, remedy)


class _PatientStub:
    """The chief's calls, each of which may safely be made twice."""

    def __init__(self, stub: Any, place: str, seconds: float):
        self._stub = stub
        self._place = place
        self._seconds = seconds

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._stub, name)

        def patient(request: Any, **_: Any) -> Any:
            deadline = time.monotonic() + self._seconds
            while True:
                interrupts.check()
                left = max(deadline - time.monotonic(), _RETRY_SECONDS)
                try:
                    return call(request, wait_for_ready=True, timeout=left)
                except grpc.RpcError as error:
                    self._judge(error, time.monotonic() < deadline)
                time.sleep(_RETRY_SECONDS)

        return patient

    def _judge(self, error: Any, has_time: bool) -> None:
        """Raises unless the call should be made again."""
        absent = error.code() == grpc.StatusCode.UNAVAILABLE
        if absent and has_time:
            return
        if absent or error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            remedy = (
                f"no chief has answered there for {self._seconds:g} s; start it, and "
                "this worker again with the same name"
            )
        else:
            remedy = f"the chief failed: {error.details()}"
        raise errors.UserError("chief", self._place, remedy) from error
