"""Playing a run: step after step at a speed, or as fast as the machine goes in short slices.

A slice is short enough that Stop, and every other request, gets its turn at once.
"""

import asyncio

SLICE_TIME = 80  # ms a slice should take
FIRST_SLICE = 5  # steps, before it is known how long one takes
LARGEST = 200_000  # steps; the session would take ten times that
PACE = 900  # ms a step is shown at speed 1


class Player:
    """Plays by calling ``move(steps)``, which answers whether it may go on.

    ``clock`` gives milliseconds; ``changed()`` is told when playing starts and stops.
    """

    def __init__(self, move, clock, changed):
        self._move = move
        self._clock = clock
        self._changed = changed
        self._turn = 0  # a new number ends the loop of the one before
        self.playing = False
        self.rushing = False
        self.speed = "1"

    def play(self):
        """Start at the chosen speed."""
        asyncio.create_task(self._loop(self._pace, self._move))

    def run(self):
        """Start at full speed, whatever was chosen."""
        asyncio.create_task(self._loop(lambda: 0, self._move))

    async def search(self, look):
        """Let ``look`` look for something, again as long as it answers that there is more; it is
        given a function that tells whether nobody has stopped this since."""
        self.stop()
        mine = self._begin()
        if await look(mine) and mine():
            await self._loop(lambda: 0, lambda steps: look(mine), mine)

    def rate(self):
        """How fast movement must be to keep up: 1 when nothing plays."""
        if not self.playing:
            return 1
        return 99 if self.rushing else float(self.speed)

    def stop(self):
        self._turn += 1
        if self.playing:
            self.playing = self.rushing = False
            self._changed()

    def _pace(self):
        """Milliseconds from step to step; 0 for as fast as it goes."""
        return 0 if self.speed == "max" else PACE / float(self.speed)

    def _begin(self):
        """Begin a turn; answers a function that tells whether it is still the last one."""
        self._turn += 1
        turn = self._turn
        return lambda: turn == self._turn

    async def _loop(self, pace, move, mine=None):
        mine = mine or self._begin()
        self.playing = True
        self._changed()
        steps = FIRST_SLICE
        going = True
        while going and mine():
            began = self._clock()
            wait = pace()
            self.rushing = not wait
            going = await move(1 if wait else steps)
            took = max(self._clock() - began, 1)
            if not wait:
                steps = next_slice(steps, took)
            if going and mine():
                await asyncio.sleep(max(wait - took, 1) / 1000)
        if mine():
            self.playing = self.rushing = False
            self._changed()


def next_slice(steps, took):
    """How many steps fit into a slice when ``steps`` took that many milliseconds."""
    factor = min(max(SLICE_TIME / took, 0.25), 4)
    return int(min(max(steps * factor, 1), LARGEST))
