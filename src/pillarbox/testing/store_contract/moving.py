"""What :mod:`pillarbox.contracts.transfer` promises, between two stores of any engines.

An engine's own tests derive from :class:`MovingContract` and say how the two are made::

    class TestFromMineToThat(MovingContract):
        @pytest.fixture
        def make_source(self, tmp_path):
            folders = itertools.count()
            return lambda: MyEngine(tmp_path / str(next(folders)))

        @pytest.fixture
        def make_target(self):
            return ThatEngine
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from pillarbox.contracts.errors import (
    BodyDamaged,
    LockLost,
    MaildropExists,
    MaildropLocked,
    StoreUnavailable,
)
from pillarbox.contracts.store import SEEN_PRECISION, Body
from pillarbox.contracts.transfer import (
    TakenOver,
)
from pillarbox.model import DEFAULT_VIEW, Identity, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    LARGE,
    delete,
    letter,
    put,
    seen_next,
)
from pillarbox.testing.store_contract.moving_machine import MovingMachine
from pillarbox.testing.store_contract.moving_material import (
    DATA,
    LETTERS,
    Failing,
    Lacking,
    MakeMovingStore,
    MovingEngine,
    furnish,
    move,
    move_failing,
    move_lacking,
    standing,
)


@pytest.mark.asyncio
class MovingContract:
    """All cases, and a state machine. Override ``make_source`` and ``make_target``."""

    machine_settings = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    @pytest.fixture
    def make_source(self) -> MakeMovingStore:
        """Override: a function that makes a new, empty store."""
        raise NotImplementedError("derive from MovingContract and override make_source")

    @pytest.fixture
    def make_target(self) -> MakeMovingStore:
        """Override: the same, of the engine that mail is moved to."""
        raise NotImplementedError("derive from MovingContract and override make_target")

    @pytest_asyncio.fixture
    async def source(self, make_source: MakeMovingStore) -> AsyncIterator[MovingEngine]:
        store = make_source()
        yield store
        await store.close()

    @pytest_asyncio.fixture
    async def target(self, make_target: MakeMovingStore) -> AsyncIterator[MovingEngine]:
        store = make_target()
        yield store
        await store.close()

    async def test_everything_is_kept(self, source: MovingEngine, target: MovingEngine) -> None:
        await furnish(source)
        before = await standing(source)
        times = {view.name: view for view in (await source.status(ALICE)).views}
        moved = await move(source, target)
        assert (moved.messages, moved.views, moved.used) == (6, 3, False)
        assert moved.octets == sum(message.octets for message, _ in before.mail)
        assert await standing(target) == before == await standing(source)
        for view in (await target.status(ALICE)).views:
            then = times[view.name]
            assert view.created_at == pytest.approx(then.created_at, abs=0.001)
            assert view.seen_at == pytest.approx(then.seen_at, abs=SEEN_PRECISION + 60)
        assert await target.check() == []
        assert await source.check() == []

    async def test_it_goes_on_as_it_would_have_gone_on_there(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        for store in (source, target):
            await delete(store, ALICE, [1], view="laptop")
            await delete(store, ALICE, [1, 2])
            await put(store, ALICE, LETTERS[5])
            await store.remove_view(ALICE, "phone")
        one, other = await standing(source), await standing(target)
        assert [data for _, data in one.mail] == [data for _, data in other.mail]
        assert one.views == other.views
        assert await target.check() == []

    async def test_a_user_without_a_maildrop(self, source: MovingEngine) -> None:
        await put(source, BOB, LETTERS[0])
        assert await source.export(ALICE) is None
        assert list(await source.users()) == [BOB]

    async def test_an_empty_maildrop_brings_its_devices(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await source.add_view(ALICE, "phone")
        moved = await move(source, target)
        assert (moved.messages, moved.views) == (0, 1)
        assert await standing(target) == await standing(source)
        assert await move(source, target) == TakenOver()

    async def test_again_brings_what_has_changed(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        assert await move(source, target) == TakenOver()
        await put(source, ALICE, *LETTERS[4:])
        await delete(source, ALICE, [1, 2, 3, 4, 5, 7], view="laptop")
        await delete(source, ALICE, [1, 2, 3], view="phone")
        await delete(source, ALICE, [1, 2, 3, 4, 8])
        await source.remove_view(ALICE, "watch")
        await source.add_view(ALICE, "tablet", from_now_on=True)
        await put(source, ALICE, letter("last"))
        moved = await move(source, target)
        assert (moved.messages, moved.removed, moved.views) == (3, 4, 1)
        assert await standing(target) == await standing(source)
        assert await target.check() == []
        assert await move(source, target) == TakenOver()

    async def test_what_views_have_deleted_since_counts(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        await delete(source, ALICE, [1], view="laptop")
        moved = await move(source, target)
        assert (moved.messages, moved.removed) == (0, 0)
        assert await standing(target) == await standing(source)

    async def test_that_default_was_reset_there_makes_it_no_other_maildrop(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        await source.remove_view(ALICE, DEFAULT_VIEW)
        await delete(source, ALICE, [1])
        await move(source, target)
        assert await standing(target) == await standing(source)

    async def test_once_used_only_new_mail_is_brought(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        await delete(target, ALICE, [1, 2, 3, 4, 5, 6])
        await target.remove_view(ALICE, "phone")
        await target.remove_view(ALICE, "watch")
        left = await standing(target)
        await put(source, ALICE, LETTERS[4])
        await source.add_view(ALICE, "new")
        await delete(source, ALICE, [1, 2], view="laptop")
        await delete(source, ALICE, [4], view="laptop")  # what has just come
        for brought in (1, 0):
            moved = await move(source, target)
            assert (moved.messages, moved.removed, moved.views) == (brought, 0, 0)
            assert moved.used
            after = await standing(target)
            assert [message for message, _ in after.mail[:-1]] == [m for m, _ in left.mail]
            assert after.mail[-1][1] == DATA[4]
            assert set(after.views) == {DEFAULT_VIEW, "laptop"}
            assert after.mail[-1][0].unlisted_by == {"laptop"}
        assert await seen_next(target, ALICE) == [DATA[4]]
        assert await target.check() == []

    @pytest.mark.parametrize("broken_off", [False, True])
    async def test_what_a_device_had_deleted_does_not_come_back_to_it(
        self,
        source: MovingEngine,
        target: MovingEngine,
        broken_off: bool,  # noqa: FBT001 - a parameter
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Of new mail that is brought in several steps."""
        monkeypatch.setattr("pillarbox.store.moving.reading.BATCH_MESSAGES", 1)
        for view in ("phone", "laptop"):
            await source.add_view(ALICE, view)
        await move(source, target)
        await seen_next(target, ALICE, "phone")  # used here from now on
        await put(source, ALICE, *LETTERS[:2])
        await delete(source, ALICE, [1], view="phone")
        if broken_off:
            with pytest.raises(StoreUnavailable):
                await move_failing(source, target, {1: StoreUnavailable("away", temporary=True)})
        await move(source, target)
        assert await seen_next(target, ALICE, "phone") == DATA[1:2]
        assert await seen_next(target, ALICE, "laptop") == DATA[:2]
        assert await target.check() == []

    async def test_unlocked_half_way_a_device_does_not_get_what_it_had_deleted(
        self, source: MovingEngine, target: MovingEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pillarbox.store.moving.reading.BATCH_MESSAGES", 1)
        for view in ("phone", "laptop"):
            await source.add_view(ALICE, view)
        await move(source, target)
        await put(source, ALICE, *LETTERS[:2])
        await delete(source, ALICE, [1], view="phone")
        with pytest.raises(StoreUnavailable):
            await move_failing(source, target, {1: StoreUnavailable("away", temporary=True)})
        for view in (DEFAULT_VIEW, "phone", "laptop"):
            await target.unlock(ALICE, view)
        assert await seen_next(target, ALICE, "phone") == []
        assert await seen_next(target, ALICE, "laptop") == DATA[:1]
        assert await target.check() == []

    async def test_unlocked_half_way_nothing_is_missing_that_a_device_wants(
        self, source: MovingEngine, target: MovingEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The device itself comes last, so that for now everybody lists it."""
        monkeypatch.setattr("pillarbox.store.moving.reading.BATCH_MESSAGES", 1)
        await put(source, ALICE, *LETTERS[:2])
        await source.add_view(ALICE, "phone")
        await delete(source, ALICE, [1])
        with pytest.raises(StoreUnavailable):
            await move_failing(source, target, {1: StoreUnavailable("away", temporary=True)})
        assert await target.unlock(ALICE)
        await target.check(repair=True)
        await move(source, target)
        assert [data for _, data in (await standing(target)).mail] == DATA[:2]

    async def test_what_only_a_device_wants_that_is_not_here_does_not_stay(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, LETTERS[0])
        await source.add_view(ALICE, "phone")
        await move(source, target)
        await target.remove_view(ALICE, "phone")
        await put(source, ALICE, LETTERS[1])
        await delete(source, ALICE, [2])
        for brought in (1, 0):
            assert (await move(source, target)).messages == brought
            assert await target.check() == []
            assert (await target.status(ALICE)).count == 1
        assert await seen_next(target, ALICE) == DATA[:1]

    async def test_what_was_collected_here_never_comes_back(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])
        await move(source, target)
        await delete(target, ALICE, [1, 2, 3])
        await put(source, ALICE, LETTERS[3])
        await move(source, target)
        assert await seen_next(target, ALICE) == [DATA[3]]
        await delete(target, ALICE, [1])
        assert (await move(source, target)).messages == 0
        assert await seen_next(target, ALICE) == []

    async def test_what_is_emptied_there_when_it_is_used_here_stays(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        """An old server that goes on removing mail must not remove it here."""
        await put(source, ALICE, *LETTERS[:3])
        await move(source, target)
        assert await seen_next(target, ALICE) == DATA[:3]
        await delete(source, ALICE, [1, 2, 3])
        assert (await move(source, target)).removed == 0
        assert await seen_next(target, ALICE) == DATA[:3]

    async def test_what_repair_took_away_there_stays_here_in_its_place(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        """The damaged bodies of the old machine are whole here, and nowhere else."""
        await put(source, ALICE, *LETTERS[:4])
        await source.add_view(ALICE, "phone")
        await source.add_view(ALICE, "watch", from_now_on=True)
        await put(source, ALICE, LETTERS[4])
        await (await source.open(Identity(ALICE))).release()  # else it holds nothing back
        await delete(source, ALICE, [2, 3], view="phone")
        await move(source, target)
        before = await standing(target)
        await put(source, ALICE, LETTERS[5])
        for _ in range(2):
            moved = await move_lacking(source, target, {0, 1, 3})
            assert moved.removed == 0
        after = await standing(target)
        assert after.mail[:-1] == before.mail
        assert after.mail[-1][1] == DATA[5]
        assert await target.check() == []
        assert (await move(source, target)).removed == 0  # a backup has brought them back
        assert await standing(target) == await standing(source)
        await delete(source, ALICE, [1, 2, 3, 4, 5, 6])
        await source.remove_view(ALICE, "watch")
        await source.remove_view(ALICE, "phone")
        assert (await move(source, target)).removed == 6
        assert await standing(target) == await standing(source)

    async def test_what_repair_took_away_there_goes_when_nobody_wants_it(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])
        await source.add_view(ALICE, "phone")
        await delete(source, ALICE, [1])
        await move(source, target)
        assert (await move_lacking(source, target, {0})).removed == 0
        export = await source.export(ALICE)
        assert export is not None
        lacking = Lacking(export, {0})
        lacking.views = [view for view in export.views if view.name == DEFAULT_VIEW]
        lacking.messages = [one._replace(unlisted_by=frozenset()) for one in lacking.messages]
        assert (await target.take_over(lacking)).removed == 1
        await export.release()
        assert await target.check() == []
        assert await seen_next(target, ALICE) == DATA[1:3]

    async def test_another_maildrop_of_that_name_takes_nothing_away(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])
        await move(source, target)
        await source.remove(ALICE)
        assert await source.export(ALICE) is None
        await put(source, ALICE, LETTERS[3])
        moved = await move(source, target)
        assert (moved.messages, moved.removed) == (1, 0)
        assert await seen_next(target, ALICE) == DATA[:4]

    @pytest.mark.parametrize("broken_off", [False, True])
    async def test_a_third_office_takes_nothing_away(
        self,
        source: MovingEngine,
        target: MovingEngine,
        make_source: MakeMovingStore,
        broken_off: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        """Two post offices that become one, before anybody has been there."""
        other = make_source()
        await put(source, ALICE, LETTERS[0])
        theirs = [letter(mark, 3_000_000) for mark in "ab"]  # which come one by one
        await put(other, ALICE, *theirs)
        await move(source, target)
        if broken_off:
            away = StoreUnavailable("away", temporary=True)
            with pytest.raises(StoreUnavailable):
                await move_failing(other, target, {1: away})
        else:
            await move(other, target)
        await put(source, ALICE, LETTERS[3])
        for messages in (1, 0):
            moved = await move(source, target)
            assert (moved.messages, moved.removed) == (messages, 0)
        await move(other, target)
        found = await seen_next(target, ALICE)
        assert sorted(found) == sorted([DATA[0], DATA[3], *(message.data for message in theirs)])
        assert await target.check() == []
        await other.close()

    @pytest.mark.parametrize("since", [(0, 3), (3, 0)])
    async def test_a_backup_that_was_put_back_there_takes_nothing_away(
        self,
        source: MovingEngine,
        target: MovingEngine,
        make_source: MakeMovingStore,
        since: tuple[int, int],
    ) -> None:
        backup = make_source()
        await put(source, ALICE, *LETTERS[:3])
        await move(source, backup)
        await put(source, ALICE, letter("only here"), letter("and this"))
        await move(source, target)
        gone = await source.export(ALICE, lock=False)
        assert gone is not None
        for number in since:
            await put(backup, ALICE, *LETTERS[3 : 3 + number])
            export = await backup.export(ALICE)
            assert export is not None
            same = Failing(export, {})
            same.origin = gone.origin
            moved = await target.take_over(same)
            await export.release()
            assert (moved.messages, moved.removed, moved.used) == (number, 0, True)
        only_here = [letter("only here").data, letter("and this").data]
        assert await seen_next(target, ALICE) == [*DATA[:3], *only_here, *DATA[3:6]]
        assert await target.check() == []
        await backup.close()

    async def test_mail_that_was_delivered_here_stays_and_comes_behind(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(target, ALICE, LETTERS[5])
        await put(source, ALICE, *LETTERS[:3])
        await source.add_view(ALICE, "watch", from_now_on=True)
        await move(source, target)
        listing = [info.unique_id for info in await target.listing(ALICE)]
        there = [info.unique_id for info in await source.listing(ALICE)]
        assert listing[:3] == there
        assert [info.octets for info in await target.listing(ALICE, "watch")] == [len(DATA[5])]
        await put(target, ALICE, LETTERS[4])
        await put(source, ALICE, LETTERS[3])
        await source.add_view(ALICE, "phone", from_now_on=True)
        await move(source, target)
        assert await target.check() == []
        assert await seen_next(target, ALICE, "watch") == [DATA[3], DATA[5], DATA[4]]
        assert await seen_next(target, ALICE, "phone") == [DATA[5], DATA[4]]
        assert await seen_next(target, ALICE) == [*DATA[:4], DATA[5], DATA[4]]

    @pytest.mark.parametrize("size", [400, LARGE])
    async def test_broken_off_it_is_closed_until_it_is_done_again(
        self, source: MovingEngine, target: MovingEngine, size: int
    ) -> None:
        letters = [letter(str(n), size) for n in range(8)]
        await put(source, ALICE, *letters)
        await source.add_view(ALICE, "phone")
        await (await source.open(Identity(ALICE))).release()
        await delete(source, ALICE, [1], view="phone")
        away = StoreUnavailable("the disk is away", temporary=True)
        for place in (0, 6):
            with pytest.raises(StoreUnavailable, match="the disk is away"):
                await move_failing(source, target, {place: away})
            with pytest.raises(MaildropLocked):
                await target.open(Identity(ALICE))
            assert all(view.locked for view in (await target.status(ALICE)).views)
            assert await target.export(BOB) is None
            with pytest.raises(MaildropLocked):
                await target.export(ALICE)
            assert await target.check() == []
        await put(target, ALICE, letter("meanwhile"))
        await delete(source, ALICE, [1, 2], view="phone")
        await delete(source, ALICE, [3])
        await move(source, target)
        expected = [message.data for n, message in enumerate(letters) if n != 2]
        there = await standing(source)
        assert (await standing(target)).mail[:-1] == there.mail
        assert await seen_next(target, ALICE) == [*expected, letter("meanwhile").data]
        assert await target.check() == []

    async def test_an_operator_may_open_what_has_come(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:2], letter("large", LARGE), letter("larger", LARGE))
        with pytest.raises(StoreUnavailable):
            await move_failing(source, target, {3: StoreUnavailable("away", temporary=True)})
        assert await target.unlock(ALICE)
        assert (await seen_next(target, ALICE))[:2] == DATA[:2]
        assert not await target.unlock(ALICE)
        await delete(target, ALICE, [1])
        await move(source, target)
        assert sorted(await seen_next(target, ALICE), key=len) == [
            DATA[1],
            letter("large", LARGE).data,
            letter("larger", LARGE).data,
        ]

    async def test_nobody_opens_either_side_meanwhile(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        export = await source.export(ALICE)
        assert export is not None
        reached, go_on = asyncio.Event(), asyncio.Event()

        class Slow(Failing):
            async def body(self, place: int) -> Body:
                reached.set()
                await go_on.wait()
                return await super().body(place)

        moving = asyncio.create_task(target.take_over(Slow(export, {})))
        await reached.wait()
        for view in (DEFAULT_VIEW, "phone", "laptop"):
            with pytest.raises(MaildropLocked):
                await source.open(Identity(ALICE, view))
        with pytest.raises(MaildropLocked):
            await target.open(Identity(ALICE))
        with pytest.raises(MaildropLocked):
            await target.take_over(Failing(export, {}))
        await put(source, ALICE, LETTERS[4])
        await put(target, ALICE, LETTERS[5])
        go_on.set()
        assert (await moving).messages == 6
        await export.release()
        await export.release()
        assert (await move(source, target)).messages == 1
        found = await seen_next(target, ALICE)
        assert found[-2:] == [DATA[4], DATA[5]]

    async def test_unlocked_meanwhile_it_is_given_up(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])

        class Unlocking(Failing):
            async def body(self, place: int) -> Body:
                if place == 0:
                    assert await target.unlock(ALICE)
                return await super().body(place)

        export = await source.export(ALICE)
        assert export is not None
        with pytest.raises(LockLost):
            await target.take_over(Unlocking(export, {}))
        await export.release()
        await (await target.open(Identity(ALICE))).release()

    async def test_unlocked_there_meanwhile_it_is_given_up(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        """What is deleted there then would be here, until the next time."""
        await put(source, ALICE, *LETTERS[:3])

        class Unlocking(Failing):
            async def body(self, place: int) -> Body:
                body = await super().body(place)
                if place == 2:
                    assert await source.unlock(ALICE)
                    await delete(source, ALICE, [1])
                return body

        export = await source.export(ALICE)
        assert export is not None
        with pytest.raises(LockLost, match="moved from there"):
            await target.take_over(Unlocking(export, {}))
        await export.release()
        await move(source, target)
        assert await seen_next(target, ALICE) == DATA[1:3]

    async def test_a_device_that_is_removed_meanwhile_does_not_come_back(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        await put(source, ALICE, LETTERS[4])

        class Removing(Failing):
            async def body(self, place: int) -> Body:
                await target.remove_view(ALICE, "phone")
                return await super().body(place)

        export = await source.export(ALICE)
        assert export is not None
        try:
            with suppress(LockLost):
                await target.take_over(Removing(export, {}))
        finally:
            await export.release()
        await move(source, target)
        assert "phone" not in [view.name for view in (await target.status(ALICE)).views]

    @pytest.mark.parametrize("view", [DEFAULT_VIEW, "phone"])
    async def test_what_is_in_use_is_not_moved(
        self, source: MovingEngine, target: MovingEngine, view: str
    ) -> None:
        await furnish(source)
        session = await source.open(Identity(ALICE, view))
        with pytest.raises(MaildropLocked):
            await source.export(ALICE)
        await session.release()
        await move(source, target)
        session = await target.open(Identity(ALICE, view))
        with pytest.raises(MaildropLocked):
            await move(source, target)
        await session.release()
        await move(source, target)
        await (await source.open(Identity(ALICE, view))).release()

    async def test_a_maildrop_with_a_life_of_its_own_is_left_alone(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])
        await put(target, ALICE, LETTERS[5])
        await (await target.open(Identity(ALICE))).release()
        for only_look in (True, False):
            with pytest.raises(MaildropExists, match="in use"):
                await move(source, target, only_look=only_look)
        assert await seen_next(target, ALICE) == [DATA[5]]
        await put(source, BOB, LETTERS[0])
        await target.add_view(BOB, "phone")
        with pytest.raises(MaildropExists, match="in use"):
            await move(source, target, BOB)

    async def test_moving_back_to_where_the_same_mail_is_is_refused(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:3])
        await move(source, target)
        with pytest.raises(MaildropExists, match="same mail"):
            await move(target, source)
        assert await seen_next(source, ALICE) == DATA[:3]

    async def test_there_and_on_to_a_third(
        self,
        source: MovingEngine,
        target: MovingEngine,
        make_source: MakeMovingStore,
    ) -> None:
        await furnish(source)
        await move(source, target)
        third = make_source()
        await move(target, third)
        assert await standing(third) == await standing(source)
        assert await third.check() == []
        await third.close()

    async def test_a_message_that_cannot_be_read_does_not_stop_the_others(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:4])
        await source.add_view(ALICE, "watch", from_now_on=True)
        await put(source, ALICE, LETTERS[4])
        ids = [info.unique_id for info in await source.listing(ALICE)]
        moved = await move_failing(source, target, {1: BodyDamaged("its file is missing")})
        assert moved.failed == [(ids[1], "its file is missing")]
        assert (moved.messages, moved.octets) == (4, sum(map(len, DATA[:5])) - len(DATA[1]))
        assert [info.unique_id for info in await target.listing(ALICE)] == [ids[0], *ids[2:]]
        moved = await move(source, target)  # it has been mended
        assert (moved.messages, moved.failed) == (1, ())
        assert await standing(target) == await standing(source)
        assert await target.check() == []

    async def test_a_store_that_goes_away_within_a_message_has_not_damaged_it(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *LETTERS[:2])
        broken = BodyDamaged("broke off at 100 bytes: away")
        broken.__cause__ = StoreUnavailable("away", temporary=True)
        with pytest.raises(StoreUnavailable, match=r"^away$"):
            await move_failing(source, target, {1: broken})
        assert (await move(source, target)).failed == ()
        assert await seen_next(target, ALICE) == DATA[:2]

    async def test_only_to_look_changes_nothing(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        foreseen = await move(source, target, only_look=True)
        assert list(await target.users()) == []
        assert await move(source, target) == foreseen
        await put(source, ALICE, LETTERS[4])
        before = await standing(target)
        foreseen = await move(source, target, only_look=True)
        assert await standing(target) == before
        assert await move(source, target) == foreseen

    async def test_looking_takes_no_lock(self, source: MovingEngine, target: MovingEngine) -> None:
        await furnish(source)
        await move(source, target)
        sessions = [await store.open(Identity(ALICE)) for store in (source, target)]
        export = await source.export(ALICE, lock=False)
        assert export is not None
        await target.take_over(export, only_look=True)
        await export.release()
        for session in sessions:
            await session.commit([1])
            await session.release()

    async def test_a_maildrop_that_was_removed_here_comes_anew(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        await move(source, target)
        assert await seen_next(target, ALICE)
        await target.remove(ALICE)
        assert await target.check() == []
        await move(source, target)
        assert await standing(target) == await standing(source)

    async def test_a_maildrop_that_is_on_its_way_can_be_removed(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await furnish(source)
        with pytest.raises(StoreUnavailable):
            await move_failing(source, target, {5: StoreUnavailable("away", temporary=True)})
        await target.remove(ALICE)
        assert await target.check() == []
        assert await seen_next(target, ALICE) == []

    async def test_deliveries_at_once_are_not_lost(
        self, source: MovingEngine, target: MovingEngine
    ) -> None:
        await put(source, ALICE, *(letter(str(n), 5000) for n in range(300)))

        async def deliver(store: MovingEngine, mark: str) -> None:
            for n in range(20):
                outcome = await store.deliver(letter(f"{mark}{n}"), [Recipient(ALICE)])
                assert outcome == [None]

        await asyncio.gather(
            move(source, target), deliver(source, "there "), deliver(target, "here ")
        )
        await move(source, target)
        assert len(await target.listing(ALICE)) == 340
        assert len({info.unique_id for info in await target.listing(ALICE)}) == 340
        assert await target.check() == []

    async def test_moves_at_any_moment_agree(
        self, make_source: MakeMovingStore, make_target: MakeMovingStore
    ) -> None:
        # In a thread, where the machine can have event loops of its own.
        await asyncio.to_thread(
            run_state_machine_as_test,
            lambda: MovingMachine(make_source, make_target),  # type: ignore[arg-type]  # a factory will do
            settings=self.machine_settings,
        )
