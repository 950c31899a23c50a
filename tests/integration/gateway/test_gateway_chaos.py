"""Workers that die, say good-bye and dawdle; callers who hang up anywhere: nothing is lost, mixed up or left behind."""

import asyncio
import random
import threading
import time

from gateway_rig import Behave, FakeWorker, Rig, WorkerConnection, request_bytes, wait_until

from pierhead.kit import frames


def misbehaving(dice: random.Random) -> Behave:
    async def misbehave(request: frames.Request, connection: WorkerConnection) -> None:
        await asyncio.sleep(dice.random() * 0.005)
        mood = dice.random()
        if mood < 0.01:
            connection.die()
            return
        if mood < 0.02:
            connection.say_goodbye()
        connection.answer(request, request.body)

    return misbehave


def test_nothing_is_lost_or_left_behind_in_a_storm() -> None:
    rig = Rig(queue_limit=1000)
    workers = [rig.worker(f"w{number}", misbehaving(random.Random(7))) for number in range(3)]
    rig.route_fraud(*workers)
    until = time.monotonic() + 3
    outcomes: list[int] = []
    mixed_up: list[bytes] = []

    def call(seed: int) -> None:
        mine = random.Random(seed)
        while time.monotonic() < until:
            body = b'"%d-%d"' % (seed, mine.getrandbits(60)) + b" " * mine.choice((0, 10, 100_000))
            message = request_bytes(body=body)
            mood = mine.random()
            if mood < 0.4:
                sent = message if mood < 0.2 else message[: mine.randrange(len(message))]
                with rig.connect() as caller:
                    caller.sendall(sent)
                continue
            answer = rig.invoke(body)
            outcomes.append(answer.status)
            if answer.status == 200 and answer.body != body:
                mixed_up.append(body)

    def restart(worker: FakeWorker) -> None:
        while time.monotonic() < until:
            time.sleep(0.3)
            rig.world.run(worker.stop())
            rig.world.run(worker.start())

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(12)]
    threads.append(threading.Thread(target=restart, args=(workers[0],)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert outcomes.count(200) > 100
    assert not mixed_up
    assert outcomes.count(200) + outcomes.count(500) == len(outcomes)
    assert outcomes.count(500) < len(outcomes) / 20
    wait_until(lambda: rig.gateway.connections == 0)
    wait_until(lambda: sum(pool.load for pool in rig.pools()) == 0)
    assert rig.gateway.held_bytes == 0
    rig.close()
