"""What labels are asked of: a small JPEG that shows the image and holds nothing else of it."""

from io import BytesIO

import pytest
from PIL import Image

from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.renditions import LOOKED_AT, PREVIEW
from tests import renderable_images as renderable
from tests.renderable_images import quarters, saved

SEE_THROUGH = ((220, 20, 20, 255), (0, 0, 0, 0), (20, 20, 220, 255), (250, 250, 250, 255))


@pytest.fixture
def renderer() -> ChildRenderer:
    return ChildRenderer(time_limit_seconds=60)  # a busy machine is not what these tests are about


@pytest.mark.parametrize(("edge", "kind"), [((900, 600), "JPEG"), ((90, 60), "PNG"), ((3000, 2000), "WEBP")])
def test_what_is_looked_at_for_labels_is_a_jpeg_of_the_pixels_alone(
    renderer: ChildRenderer, edge: tuple[int, int], kind: str
) -> None:
    data = saved(quarters(*edge), kind, exif=renderable.exif_of(1, make="Maker"))
    _, (made, preview) = renderer.render(data, f"image/{kind.lower()}", [LOOKED_AT, PREVIEW])
    image = Image.open(BytesIO(made.data))
    assert (image.format, image.mode, max(image.size)) == ("JPEG", "RGB", min(max(edge), LOOKED_AT.edge_pixels))
    assert dict(image.getexif()) == {}
    assert b"Maker" not in made.data
    assert Image.open(BytesIO(preview.data)).format == "WEBP"


def test_what_is_looked_at_for_labels_is_white_where_the_image_is_see_through(renderer: ChildRenderer) -> None:
    _, (made,) = renderer.render(saved(quarters(colours=SEE_THROUGH), "PNG"), "image/png", [LOOKED_AT])
    corner = renderable.corners(Image.open(BytesIO(made.data)))[1]
    assert all(abs(part - 255) < 12 for part in corner)
