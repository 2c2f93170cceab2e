"""A program that takes minutes and mostly waits, run while other tests run."""

import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]


class Background:
    """A module run as a program with a folder as its argument. Start it from the main thread."""

    def __init__(self, module: str, folder: Path) -> None:
        self._module, self._folder = module, folder
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Background":
        """Does not wait."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", self._module, str(self._folder)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait(self, timeout_seconds: float) -> None:
        """Until it has ended. Raises AssertionError, with what it said, if it did not end well."""
        assert self._process is not None
        status = self._process.wait(timeout_seconds)
        assert status == 0, self._log.read_text(encoding="utf-8", errors="replace")[-8000:]

    def stop(self) -> None:
        """Ends it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # as Ctrl-C, so that it ends what it started
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
