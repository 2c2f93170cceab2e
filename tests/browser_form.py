"""Posts a file to an upload's form as a browser does."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.domain.uploads import UploadForm
from tests.answer import Answer

_BOUNDARY = "a-boundary-that-no-file-holds"
_SECONDS = 30


def post(form: UploadForm, data: bytes, headers: Mapping[str, str] | None = None, method: str = "POST") -> Answer:
    """The object store's answer to the fields, in their order, and then the file."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.fields.items()
    ]
    file = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'.encode()
    body = b"".join([*parts, file, data, f"\r\n--{_BOUNDARY}--\r\n".encode()])
    address = urlsplit(form.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=_SECONDS)
    try:
        content_type = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        connection.request(method, address.path or "/", body, {**content_type, **(headers or {})})
        answer = connection.getresponse()
        lowered = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, lowered, answer.read())
    finally:
        connection.close()
