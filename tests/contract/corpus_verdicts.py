"""What the decoding children make of every file of the corpus, and what each of them took.

Run as a program it judges them all and tells a line of JSON for each: in a process of its own, and a small one,
because the kernel counts a process's memory as its child's until the child's own program begins.
"""

import csv
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from chalicelib.adapters.inspector import ChildInspector
from chalicelib.adapters.renderer import ChildRenderer
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.signatures import claimed_size
from tests.contract.child_meter import LIMIT_SECONDS, Found, Meter, Verdict

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("IMAGE_CORPUS") or ROOT.parent / "shared" / "corpus")
INDEX = CORPUS / "index.tsv"


@dataclass(frozen=True)
class Judged:
    """A file's verdicts. `pixels` are those of one frame as its header claims them; 0 where it claims none."""

    pixels: int
    inspected: Verdict
    rendered: Verdict


def rows() -> list[dict[str, str]]:
    """The lines of the index: `file`, `expect`, `why`, `type`. None where there is no corpus."""
    if not INDEX.is_file():
        return []
    with INDEX.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def bytes_of(row: dict[str, str]) -> bytes:
    return (CORPUS / "files" / row["file"]).read_bytes()


def judged(folder: Path) -> dict[str, Judged]:
    """Every file's verdicts, by its name in the index. The folder receives the renditions, as their `file` says."""
    command = [sys.executable, "-m", __name__, str(folder)]
    told = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=900, check=True).stdout
    lines = [json.loads(line) for line in told.splitlines()]
    return {
        name: Judged(each["pixels"], Verdict(**each["inspected"]), Verdict(**each["rendered"])) for name, each in lines
    }


def main(folder: Path) -> None:
    """Judges every file; what is no refusal of the file's ends the program."""
    meter = Meter.in_place()
    inspector, renderer = ChildInspector(LIMIT_SECONDS), ChildRenderer(LIMIT_SECONDS)
    for number, row in enumerate(rows()):
        data, media_type = bytes_of(row), f"image/{row['type']}"

        def inspected(data: bytes = data) -> Found:
            return asdict(inspector.inspect(data))

        def rendered(data: bytes = data, media_type: str = media_type, number: int = number) -> Found:
            seen, made = renderer.render(data, media_type, ON_ARRIVAL)
            files = []
            for one in made:
                file = f"{number}-{one.kind.name}"
                (folder / file).write_bytes(one.data)
                files.append({"file": file, "width": one.width, "height": one.height, "edge": one.kind.edge_pixels})
            return {"seen": asdict(seen), "renditions": files}

        claim = claimed_size(media_type, data) or (0, 0)
        one = Judged(claim[0] * claim[1], meter.verdict(inspected), meter.verdict(rendered))
        print(json.dumps((row["file"], asdict(one))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
