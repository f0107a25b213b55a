"""Choice of the number of threads on a machine that other programs use too.

A step waits for its slowest thread. Where another program occupies a core, two threads at low
priority can be eight times slower than one. Where nothing else runs, one thread is half as fast as
two. Both are therefore tried from time to time, and the faster is kept.
"""

from __future__ import annotations

import os

import torch


class ThreadTuner:
    """Switches between one thread and one per core, according to the time of the steps.

    Args:
        every: Steps between trials.
        trial: Steps of a trial.
    """

    def __init__(self, every: int = 150, trial: int = 5) -> None:
        self.every = every
        self.trial = trial
        self.choices = (1, os.cpu_count() or 1)
        self.current = 0
        self.count = 0
        self.recent: list[float] = []
        self.reference = 0.0
        self.trying = False
        torch.set_num_threads(self.choices[self.current])

    def note(self, seconds: float) -> None:
        """Record the time of a step, and switch the number of threads if it is time to."""
        self.count += 1
        self.recent.append(seconds)
        if self.trying:
            if self.count < self.trial and sum(self.recent) < 2 * self.trial * self.reference:
                return
            faster = sum(self.recent) / len(self.recent) < 0.9 * self.reference
            if not faster:
                self._switch()
            self.trying = False
        elif self.count >= self.every:
            self.reference = sum(self.recent[-self.trial :]) / self.trial
            self._switch()
            self.trying = True
        else:
            return
        self.count = 0
        self.recent.clear()

    def _switch(self) -> None:
        self.current = 1 - self.current
        torch.set_num_threads(self.choices[self.current])
