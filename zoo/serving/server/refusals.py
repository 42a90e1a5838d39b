"""What a server answers in place of a result."""

CODES = {  # {HTTP status: what TensorFlow calls it}
    200: "OK",
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class Refusal(Exception):
    """A request that gets no result.

    Attributes:
        status: Of HTTP.
        sentence: What is wrong, for the client.
    """

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
