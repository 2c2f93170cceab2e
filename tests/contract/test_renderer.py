"""Renditions show the image as it is meant to be seen, hold pixels and nothing else, and are refused in words."""

import random
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image, ImageOps

from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.errors import RequestError, TooLargeError, UnreadableImageError, UnsupportedTypeError
from chalicelib.domain.renditions import (
    EDITS,
    FLIPPED,
    GREYSCALE,
    KINDS,
    ON_ARRIVAL,
    PREVIEW,
    THUMBNAIL,
    Kind,
    Rendered,
)
from chalicelib.domain.webp_chunks import is_only_pixels
from tests import hostile_images as images
from tests import renderable_images as renderable
from tests.renderable_images import BLUE, CORNERS, GREEN, RED, WHITE, Colour, quarters, saved

ALL = tuple(KINDS.values())
CLOSE = 30  # of 255: WebP is lossy, edges are soft

# Where the corners of an upright image go, as numbers of those they came from.
EDITED = {
    "thumbnail": (0, 1, 2, 3),
    "preview": (0, 1, 2, 3),
    "full": (0, 1, 2, 3),
    "flipped": (1, 0, 3, 2),
    "rotated-left": (1, 3, 0, 2),
    "rotated-right": (2, 0, 3, 1),
}


@pytest.fixture
def renderer() -> ChildRenderer:
    return ChildRenderer(time_limit_seconds=60)  # a busy machine is not what these tests are about


def opened(rendered: Rendered) -> Image.Image:
    image = Image.open(BytesIO(rendered.data))
    image.load()
    assert image.format == "WEBP"
    assert image.size == (rendered.width, rendered.height)
    assert not getattr(image, "is_animated", False)
    return image


def one(renderer: ChildRenderer, data: bytes, media_type: str, kind: Kind = PREVIEW) -> Image.Image:
    _, (made,) = renderer.render(data, media_type, [kind])
    return opened(made)


def assert_close(found: list[Colour], expected: list[Colour]) -> None:
    for one_found, one_expected in zip(found, expected, strict=True):
        assert max(abs(a - b) for a, b in zip(one_found, one_expected, strict=True)) <= CLOSE, (found, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_every_rendition_is_upright(renderer: ChildRenderer, format_name: str, orientation: int) -> None:
    data = renderable.oriented(format_name, orientation, 640, 400)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    assert upright is not None
    expected = renderable.corners(upright)
    seen, made = renderer.render(data, f"image/{format_name.lower()}", ALL)
    assert (seen.width, seen.height) == upright.size
    for rendered in made:
        if rendered.kind is GREYSCALE:
            continue
        sideways = rendered.kind.turn in ("left", "right")
        size = (upright.height, upright.width) if sideways else upright.size
        scale = min(1, rendered.kind.edge_pixels / 640)
        assert (rendered.width, rendered.height) == (size[0] * scale, size[1] * scale)
        assert_close(renderable.corners(opened(rendered)), [expected[n] for n in EDITED[rendered.kind.name]])


def test_greyscale_has_no_colour_and_the_same_lightness(renderer: ChildRenderer) -> None:
    image = one(renderer, saved(quarters(), "PNG"), "image/png", GREYSCALE)
    expected = quarters().convert("L").convert("RGB")
    assert_close(renderable.corners(image), renderable.corners(expected))
    for red, green, blue in renderable.corners(image):
        assert max(red, green, blue) - min(red, green, blue) <= 6


@pytest.mark.parametrize("what", renderable.talkative())
def test_no_rendition_tells_more_than_its_pixels(renderer: ChildRenderer, what: str) -> None:
    media_type, data = renderable.talkative()[what]
    assert b"<?php" in data or b"<script" in data
    _, made = renderer.render(data, media_type, ALL)
    assert [each.kind for each in made] == list(ALL)
    for rendered in made:
        assert is_only_pixels(rendered.data)
        assert not [secret for secret in renderable.SECRETS if secret in rendered.data]
        image = opened(rendered)
        assert not dict(image.getexif())
        assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()


def test_a_place_on_earth_is_in_no_rendition(renderer: ChildRenderer) -> None:
    data = images.gps_jpeg(640, 400)
    assert Image.open(BytesIO(data)).getexif().get_ifd(0x8825)
    for rendered in renderer.render(data, "image/jpeg", ALL)[1]:
        assert not opened(rendered).getexif().get_ifd(0x8825)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_colours_of_another_profile_are_brought_to_srgb(renderer: ChildRenderer, format_name: str) -> None:
    data = saved(quarters(), format_name, icc_profile=renderable.swapped_profile(), quality=95)
    image = one(renderer, data, f"image/{format_name.lower()}")
    assert_close(renderable.corners(image), [BLUE, GREEN, RED, WHITE])


def test_a_profile_keeps_what_is_see_through(renderer: ChildRenderer) -> None:
    colours = ((220, 20, 20, 255), (20, 160, 20, 255), (20, 20, 220, 255), (0, 0, 0, 0))
    data = saved(quarters(colours=colours), "PNG", icc_profile=renderable.swapped_profile())
    image = one(renderer, data, "image/png")
    assert_close(renderable.corners(image)[:3], [BLUE, GREEN, RED])
    assert image.getchannel("A").getpixel((80, 50)) == 0
    assert image.getchannel("A").getpixel((10, 10)) == 255


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, renderable.swapped_profile()[:200]])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_that_is_none_changes_nothing(renderer: ChildRenderer, profile: bytes, mode: str) -> None:
    image = quarters().convert(mode)
    data = saved(image, "JPEG", icc_profile=profile, quality=95)
    assert_close(renderable.corners(one(renderer, data, "image/jpeg")), renderable.corners(image.convert("RGB")))


def test_cmyk_is_shown_in_its_colours(renderer: ChildRenderer) -> None:
    image = quarters().convert("CMYK")
    data = saved(image, "JPEG", quality=95)
    assert Image.open(BytesIO(data)).mode == "CMYK"
    assert_close(renderable.corners(one(renderer, data, "image/jpeg")), renderable.corners(image.convert("RGB")))


def test_an_rgb_profile_in_a_grey_image_changes_nothing(renderer: ChildRenderer) -> None:
    data = saved(quarters().convert("L"), "JPEG", icc_profile=renderable.swapped_profile(), quality=95)
    assert_close(
        renderable.corners(one(renderer, data, "image/jpeg")),
        renderable.corners(quarters().convert("L").convert("RGB")),
    )


SEE_THROUGH = ((220, 20, 20, 255), (0, 0, 0, 0), (20, 20, 220, 255), (250, 250, 250, 255))


def _see_through() -> Iterator[tuple[str, str, bytes]]:
    image = quarters(colours=SEE_THROUGH)
    palette = image.convert("RGB").quantize(8)
    index = palette.getpixel((80, 10))
    assert isinstance(index, int)
    alphas = bytes(0 if n == index else 255 for n in range(8))
    yield "PNG", "image/png", saved(image, "PNG")
    yield "PNG with a palette, one colour see-through", "image/png", saved(palette, "PNG", transparency=index)
    yield "PNG with a palette of alphas", "image/png", saved(palette, "PNG", transparency=alphas)
    yield "PNG with one RGB colour see-through", "image/png", saved(image.convert("RGB"), "PNG", transparency=(0, 0, 0))
    yield "grey PNG with alpha", "image/png", saved(image.convert("LA"), "PNG")
    yield "GIF", "image/gif", saved(palette, "GIF", transparency=index)
    yield "WebP", "image/webp", saved(image, "WEBP", lossless=True)


@pytest.mark.parametrize(("media_type", "data"), [pytest.param(m, d, id=name) for name, m, d in _see_through()])
def test_what_is_see_through_stays_so(renderer: ChildRenderer, media_type: str, data: bytes) -> None:
    for kind, place in ((PREVIEW, (80, 10)), (FLIPPED, (10, 10)), (GREYSCALE, (80, 10))):
        alpha = one(renderer, data, media_type, kind).getchannel("A")
        assert alpha.getpixel(place) == 0
        assert alpha.getpixel((80 - place[0] + 10, 10)) == 255
        assert alpha.getpixel((10, 50)) == 255


def test_alpha_that_hides_nothing_is_left_out(renderer: ChildRenderer) -> None:
    data = saved(quarters(colours=tuple((*colour, 255) for colour in CORNERS)), "PNG")
    assert one(renderer, data, "image/png").mode == "RGB"


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight_without_being_cut(renderer: ChildRenderer, channels: int) -> None:
    image = one(renderer, renderable.deep_png(256, 40, channels), "image/png").convert("L")
    for x in (8, 64, 128, 192, 248):
        lightness = image.getpixel((x, 20))
        assert isinstance(lightness, int)
        assert abs(lightness - x) <= 8


@pytest.mark.parametrize(
    ("media_type", "make"),
    [("image/gif", "GIF"), ("image/webp", "WEBP"), ("image/png", "PNG")],
)
def test_of_an_animation_the_first_frame_is_shown(renderer: ChildRenderer, media_type: str, make: str) -> None:
    others = [quarters(colours=(BLUE, BLUE, BLUE, colour)) for colour in (RED, GREEN)]
    data = saved(quarters(), make, save_all=True, append_images=others, duration=100)
    assert_close(renderable.corners(one(renderer, data, media_type)), list(CORNERS))


SIZES = [
    (1, 1),
    (1, 2),
    (65_500, 1),
    (1, 65_500),
    (65_500, 8),
    (321, 320),
    (2, 319),
    (3000, 7),
    (4097, 13),
    (1601, 1599),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_every_size_fits_and_nothing_is_enlarged(
    renderer: ChildRenderer, media_type: str, size: tuple[int, int]
) -> None:
    data = (images.good_jpeg if media_type == "image/jpeg" else images.good_png)(*size)
    seen, made = renderer.render(data, media_type, ALL)
    assert (seen.width, seen.height) == size
    for rendered in made:
        opened(rendered)
        scale = min(1.0, rendered.kind.edge_pixels / max(size))
        width, height = (max(1, round(edge * scale)) for edge in size)
        turned = rendered.kind.turn in ("left", "right")
        assert (rendered.width, rendered.height) == ((height, width) if turned else (width, height))


def test_bands_leave_no_seams(renderer: ChildRenderer) -> None:
    data = images.good_png(3400, 1500, seed=3)
    found = one(renderer, data, "image/png", Kind("half", "Half", 1690, quality=100))
    rendered, solid = found.convert("RGB"), found.getchannel("A")
    whole = Image.open(BytesIO(data)).resize(rendered.size, Image.Resampling.HAMMING).convert("RGB")
    for y in range(0, rendered.height, 5):
        for x in range(0, rendered.width, 97):
            if solid.getpixel((x, y)) == 255:
                assert_close([_pixel(rendered, x, y)], [_pixel(whole, x, y)])


def _pixel(image: Image.Image, x: int, y: int) -> Colour:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


INPUTS = {
    "JPEG": ("image/jpeg", images.gps_jpeg(900, 700)),
    "progressive JPEG": ("image/jpeg", images.good_jpeg(900, 700, progressive=True)),
    "large JPEG": ("image/jpeg", images.good_jpeg(3300, 1800)),
    "PNG": ("image/png", images.good_png(3400, 300)),
    "GIF": ("image/gif", images.animated_gif(900, 700)),
    "WebP": ("image/webp", images.animated_webp(900, 700)),
}


@pytest.mark.parametrize("what", INPUTS)
def test_a_rendition_follows_from_image_and_kind_alone(renderer: ChildRenderer, what: str) -> None:
    media_type, data = INPUTS[what]
    seen, made = renderer.render(data, media_type, ON_ARRIVAL)
    assert renderer.render(data, media_type, ON_ARRIVAL) == (seen, made)
    assert renderer.render(data, media_type, ON_ARRIVAL[::-1]) == (seen, made[::-1])
    for rendered in made:
        assert renderer.render(data, media_type, [rendered.kind]) == (seen, [rendered])


def test_the_same_kind_twice_and_none_are_answered(renderer: ChildRenderer) -> None:
    seen, made = renderer.render(images.good_jpeg(), "image/jpeg", [THUMBNAIL, THUMBNAIL])
    assert made[0] == made[1]
    assert renderer.render(images.good_jpeg(), "image/jpeg", []) == (seen, [])


def test_camera_and_time_are_exif_s_own_words(renderer: ChildRenderer) -> None:
    exif = renderable.exif_of(make="Maker", model="Model 5", taken="2024:05:17 08:30:00", changed="2025:01:01 00:00:00")
    for format_name in ("JPEG", "PNG", "WEBP"):
        data = saved(quarters(), format_name, exif=exif)
        seen, _ = renderer.render(data, f"image/{format_name.lower()}", [])
        assert (seen.camera, seen.taken) == ("Maker Model 5", "2024:05:17 08:30:00")


def test_without_the_time_of_taking_that_of_the_last_change_is_told(renderer: ChildRenderer) -> None:
    data = saved(quarters(), "JPEG", exif=renderable.exif_of(changed="2025:01:01 00:00:00"))
    seen, _ = renderer.render(data, "image/jpeg", [])
    assert (seen.camera, seen.taken) == (None, "2025:01:01 00:00:00")


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\xff\xff\xff\xff\0\0\0\0" * 50,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abcd\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0",
    ],
)
def test_exif_that_is_none_refuses_no_image(renderer: ChildRenderer, exif: bytes) -> None:
    data = saved(quarters(), "JPEG", exif=exif, quality=95)
    seen, (made,) = renderer.render(data, "image/jpeg", [PREVIEW])
    assert (seen.width, seen.height, seen.taken) == (90, 60, None)
    assert_close(renderable.corners(opened(made)), list(CORNERS))


def test_main_colours_are_told_with_their_shares(renderer: ChildRenderer) -> None:
    seen, _ = renderer.render(saved(quarters(), "PNG"), "image/png", [GREYSCALE])
    assert sum(share for *_, share in seen.colours) == pytest.approx(1)
    for colour in CORNERS:
        near = [share for *rgb, share in seen.colours if max(abs(a - b) for a, b in zip(rgb, colour, strict=True)) < 40]
        assert sum(near) == pytest.approx(0.25, abs=0.05)


def test_what_cannot_be_seen_has_no_colour(renderer: ChildRenderer) -> None:
    seen, _ = renderer.render(saved(Image.new("RGBA", (50, 50), (9, 9, 9, 0)), "PNG"), "image/png", [THUMBNAIL])
    assert seen.colours == ()


WHOLE = {
    "JPEG": ("image/jpeg", images.good_jpeg(640, 400)),
    "progressive JPEG": ("image/jpeg", images.good_jpeg(640, 400, progressive=True)),
    "PNG": ("image/png", images.good_png(640, 400)),
    "GIF": ("image/gif", images.good_gif(640, 400)),
    "animated GIF": ("image/gif", images.animated_gif(640, 400)),
    "WebP": ("image/webp", images.good_webp(640, 400)),
    "animated WebP": ("image/webp", images.animated_webp(640, 400)),
}


@pytest.mark.parametrize("what", WHOLE)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95, None])
def test_an_image_cut_short_is_poison(renderer: ChildRenderer, what: str, kept: float | None) -> None:
    media_type, data = WHOLE[what]
    cut = data[:-1] if kept is None else images.truncated(data, kept)
    with pytest.raises(UnreadableImageError, match="cut short"):
        renderer.render(cut, media_type, ON_ARRIVAL)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/gif", "image/webp"])
@pytest.mark.parametrize("what", [*images.other_files(), "empty"])
def test_bytes_that_are_no_image_are_poison(renderer: ChildRenderer, what: str, media_type: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=media_type):
        renderer.render({**images.other_files(), "empty": b""}[what], media_type, ON_ARRIVAL)


def test_an_image_of_another_type_than_it_is_said_to_be_is_poison(renderer: ChildRenderer) -> None:
    with pytest.raises(UnsupportedTypeError):
        renderer.render(images.good_png(), "image/jpeg", ON_ARRIVAL)


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/png", images.png_bomb()),
        ("image/jpeg", images.claiming_65535("image/jpeg")),
        ("image/png", images.claiming_65535("image/png")),
        ("image/gif", images.claiming_65535("image/gif")),
        ("image/webp", images.claiming_65535("image/webp")),
        ("image/gif", images.gif_bomb(20_000, 20_000, frames=2)),
    ],
    ids=["PNG bomb", "wide JPEG", "wide PNG", "wide GIF", "wide WebP", "GIF bomb"],
)
def test_a_small_file_of_very_many_pixels_is_poison(renderer: ChildRenderer, media_type: str, data: bytes) -> None:
    with pytest.raises(TooLargeError, match="million"):
        renderer.render(data, media_type, ON_ARRIVAL)


@pytest.mark.parametrize(
    ("media_type", "data", "words"),
    [
        ("image/png", images.damaged_png(), "checksum"),
        ("image/gif", images.script_as_gif(), "damaged"),
        ("image/gif", images.gif_bomb(10, 10, frames=0), "no pixels"),
        ("image/jpeg", images.scan_flood_jpeg(), "100 scans"),
    ],
)
def test_hostile_bytes_are_poison(renderer: ChildRenderer, media_type: str, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        renderer.render(data, media_type, ON_ARRIVAL)


def test_bytes_turned_over_at_random_break_nothing(renderer: ChildRenderer) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    dice = random.Random(seed)
    talkative = list(renderable.talkative().values())
    for _ in range(40):
        media_type, whole = dice.choice(talkative)
        data = bytearray(whole)
        for _ in range(dice.choice((1, 3, 30))):
            data[dice.randrange(12, len(data))] = dice.randrange(256)
        try:
            _, made = renderer.render(bytes(data), media_type, ON_ARRIVAL)
        except RequestError as refused:
            assert str(refused).endswith(".")
            continue
        for rendered in made:
            assert is_only_pixels(rendered.data)
            assert not [secret for secret in renderable.SECRETS if secret in rendered.data]


def test_what_is_behind_an_image_goes_into_no_rendition(renderer: ChildRenderer) -> None:
    for media_type, data in (("image/jpeg", images.jpeg_with_zip()), ("image/gif", images.gif_with_script())):
        for rendered in renderer.render(data, media_type, EDITS)[1]:
            assert not [mark for mark in (b"<?php", b"<script", b"PK\x05\x06") if mark in rendered.data]


def test_every_error_of_an_image_is_a_request_s() -> None:
    for error in (TooLargeError, UnreadableImageError, UnsupportedTypeError):
        assert issubclass(error, RequestError)
