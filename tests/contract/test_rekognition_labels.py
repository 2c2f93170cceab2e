"""Labels: Rekognition as its stand-in has it, which sees a mobile phone in everything."""

from collections.abc import Iterator

import pytest

from chalicelib.adapters import aws_clients
from chalicelib.adapters.rekognition_labels import RekognitionLabels
from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.errors import LabelsRefusedError, LabelsUnavailableError
from chalicelib.domain.labels import tags_of
from chalicelib.domain.renditions import LOOKED_AT
from ops.local import bootstrap, moto
from ops.local.parts import base_environ
from ops.local.ports import free_port
from tests.contract.real_parts import PROJECT, Server, state_folder
from tests.renderable_images import quarters, saved


@pytest.fixture(scope="module")
def rekognition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The stand-in, and the environment variables that lead there."""
    import os

    state, port = state_folder(tmp_path_factory.mktemp("rekognition")), free_port()
    server = Server(moto.part(port, PROJECT / ".venvs", base_environ(state, os.environ), lambda: None), state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", bootstrap.ACCESS_KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", bootstrap.SECRET_ACCESS_KEY)
        patch.setenv("AWS_DEFAULT_REGION", bootstrap.REGION)
        server.start()
        yield server
        server.kill()


def looked_at() -> bytes:
    _, (made,) = ChildRenderer().render(saved(quarters(900, 600), "PNG"), "image/png", [LOOKED_AT])
    return made.data


def test_an_image_gets_its_labels_as_tags(rekognition: Server) -> None:
    assert tags_of(RekognitionLabels(aws_clients.rekognition()).of(looked_at())) == ["mobile phone"]


def test_a_service_that_does_not_answer_is_unavailable(rekognition: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(LabelsUnavailableError):
        RekognitionLabels(aws_clients.rekognition()).of(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("InvalidImageFormatException", 400, LabelsRefusedError),
        ("AccessDeniedException", 400, LabelsRefusedError),
        ("ThrottlingException", 400, LabelsUnavailableError),
        ("ProvisionedThroughputExceededException", 400, LabelsUnavailableError),
        ("InternalServerError", 500, LabelsUnavailableError),
    ],
)
def test_what_it_refuses_is_told_from_what_may_work_later(
    rekognition: Server, code: str, status: int, error: type[Exception]
) -> None:
    from botocore.stub import Stubber

    client = aws_clients.rekognition()
    with Stubber(client) as stub:  # the stand-in never refuses
        stub.add_client_error("detect_labels", code, http_status_code=status)
        with pytest.raises(error, match=code):
            RekognitionLabels(client).of(b"\xff\xd8\xff")
