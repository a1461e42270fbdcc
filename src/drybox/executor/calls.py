"""How code that is not async calls an executor: as :class:`drybox.executor.base.Executor` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, overload

from drybox.executor.request_fields import request_of, streamed_request
from drybox.job import UNCAPPED, ExecutionCaps, Source
from drybox.model import Event, ExecutionRequest, ExecutionResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from drybox.executor.request_fields import RequestFields, StreamFields


class Calls:
    """The calls of an executor for code that is not async."""

    def _execute(self, request: ExecutionRequest) -> ExecutionResult:
        raise NotImplementedError

    def _stream(
        self, request: ExecutionRequest, stdin: Source | None, caps: ExecutionCaps
    ) -> Iterator[Event]:
        raise NotImplementedError

    @overload
    def execute(self, request: ExecutionRequest) -> ExecutionResult: ...

    @overload
    def execute(
        self, request: str, code: str | None = None, **fields: Unpack[RequestFields]
    ) -> ExecutionResult: ...

    def execute(
        self,
        request: ExecutionRequest | str,
        code: str | None = None,
        **fields: Unpack[RequestFields],
    ) -> ExecutionResult:
        """Run one program to its end: ``executor.execute("python", "print(1)")``.

        The arguments and errors are those of :meth:`drybox.AsyncCodeExecutor.execute`.
        """
        return self._execute(request_of(request, code, fields))

    @overload
    def stream(
        self,
        request: ExecutionRequest,
        *,
        stdin: Source | None = None,
        caps: ExecutionCaps = UNCAPPED,
    ) -> Iterator[Event]: ...

    @overload
    def stream(
        self,
        request: str,
        code: str | None = None,
        *,
        stdin: Source | bytes | str | None = None,
        caps: ExecutionCaps = UNCAPPED,
        **fields: Unpack[StreamFields],
    ) -> Iterator[Event]: ...

    def stream(
        self,
        request: ExecutionRequest | str,
        code: str | None = None,
        *,
        stdin: Source | bytes | str | None = None,
        caps: ExecutionCaps = UNCAPPED,
        **fields: Unpack[StreamFields],
    ) -> Iterator[Event]:
        """Run one program and follow it: ``for event in executor.stream(request)``.

        The arguments and errors are those of :meth:`drybox.AsyncCodeExecutor.stream`.
        """
        asked, source = streamed_request(request, code, stdin, fields)
        return self._stream(asked, source, caps)
