"""Bodies that are no JSON: handed over as they are."""
import schemathesis


@schemathesis.serializer("application/zip", "application/octet-stream", "*/*")
def raw(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()
