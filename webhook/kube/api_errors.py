"""What can go wrong with a request to the API server, in words of our own."""


class ApiError(Exception):
    """A request to the API server brought no usable answer.

    Attributes:
        detail: One lower-case clause of our own, without secrets.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ApiUnreachableError(ApiError):
    """No connection, a broken one, or no answer in time."""


class ApiGarbageError(ApiError):
    """The answer is not what an API server sends."""


class ApiTooLargeError(ApiError):
    """The answer exceeds the caller's cap."""


class ApiStatusError(ApiError):
    """The API server answered with an error.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds that the server asks to wait, or None.
    """

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"the API server answered {status}")
        self.status = status
        self.retry_after = retry_after
