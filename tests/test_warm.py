from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

from tests import warm


def test_who_asks_at_the_same_moment_is_given_his_own() -> None:
    """Else one waits for what another has killed, for ever."""

    def version(number: int) -> tuple[int, bytes]:
        with tempfile.TemporaryFile() as out:
            prelude = f"import os; os.write(1, b'%d {number} ' % os.getpid())"
            started = warm.start(
                ["--version"], os.environ, prelude=prelude, out=out.fileno(), err=out.fileno()
            )
            assert started.wait() == 0
            out.seek(0)
            said = out.read()
        assert said.startswith(b"%d %d " % (started.pid, number)), said
        return number, said

    with ThreadPoolExecutor(8) as threads:
        found = dict(threads.map(version, range(24)))
    assert all(b"illarbox" in said for said in found.values())
