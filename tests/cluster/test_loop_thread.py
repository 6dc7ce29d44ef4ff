"""What threads ask of a loop that is about to end."""

from __future__ import annotations

import asyncio
import threading

from pillarbox.auth.cluster.loop_thread import LoopThread


def test_what_was_asked_before_the_end_is_done_before_it() -> None:
    thread, begun, done = LoopThread(), threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        for _ in range(100):
            await asyncio.sleep(0)
        done.set()

    asking = threading.Thread(target=lambda: thread.run(work()), daemon=True)
    asking.start()
    begun.wait()
    thread.close()
    assert done.is_set()
    asking.join()
