"""What both children take of one image, measured: `python -m tests.contract.large_image_measures TYPE KIND...`.

The image comes by standard input; a line of JSON tells a list of verdicts, the inspector's and the renderer's.
"""

import json
import sys
from dataclasses import asdict

from chalicelib.adapters.inspector import ChildInspector
from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.renditions import KINDS
from tests.contract.child_meter import LIMIT_SECONDS, Found, Meter


def main(media_type: str, *kinds: str) -> None:
    """Inspects, then renders the kinds; which may be none."""
    data, meter = sys.stdin.buffer.read(), Meter.in_place()

    def rendered() -> Found:
        _, made = ChildRenderer(LIMIT_SECONDS).render(data, media_type, [KINDS[name] for name in kinds])
        return {"made": len(made)}

    verdicts = [meter.verdict(lambda: asdict(ChildInspector(LIMIT_SECONDS).inspect(data)))]
    if kinds:
        verdicts.append(meter.verdict(rendered))
    print(json.dumps([asdict(verdict) for verdict in verdicts]))


if __name__ == "__main__":
    main(*sys.argv[1:])
