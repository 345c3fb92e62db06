"""Real processes that work off inputs, some of them killed."""

import os
import signal
import threading
import time
from itertools import count, islice

import pytest

from rebuilders.crew import Crew

started = ""


def start(word):
    global started  # noqa: PLW0603 - as the processes of a crew keep what they have opened
    started = word


def answer(number):
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return started, number * 2


def told_pid(path):
    """Says who it is, and waits to be killed."""
    path.write_text(str(os.getpid()))
    time.sleep(600)
    return "lasting"


def quick_or_lasting(path):
    return told_pid(path) if path else "quick"


def fails(number):
    raise ValueError(number)


def test_each_input_has_its_output():
    crew = Crew(2, answer, start, ("ready",))
    assert sorted(crew.work_off(range(5))) == [(n, ("ready", n * 2)) for n in range(5)]
    assert list(crew.work_off(())) == []


def test_a_process_that_dies_costs_its_own_input_only():
    crew = Crew(2, answer, start, ("ready",))
    found = dict(crew.work_off((1, -1, 2, -2, -3, 3)))
    assert found == {-1: None, -2: None, -3: None, **{n: ("ready", n * 2) for n in (1, 2, 3)}}


def test_the_death_of_one_is_noticed_while_the_others_work(tmp_path):
    """And its place is taken at once."""
    first, second = tmp_path / "first", tmp_path / "second"

    def kill(path):
        os.kill(int(path.read_text()), signal.SIGKILL)

    def kill_the_second():
        while not (first.exists() and second.exists() and second.read_text()):
            time.sleep(0.01)
        kill(second)

    found = []
    threading.Thread(target=kill_the_second, daemon=True).start()
    for path, output in Crew(2, quick_or_lasting, start, ("",)).work_off((first, second, None)):
        found.append((path, output))
        if path is None:
            kill(first)
    assert found == [(second, None), (None, "quick"), (first, None)]


def test_inputs_are_taken_as_they_are_needed():
    taken = []

    def inputs():
        for number in count():
            taken.append(number)
            yield number

    crew = Crew(2, answer, start, ("",))
    assert len(list(islice(crew.work_off(inputs()), 3))) == 3
    assert len(taken) <= 5


def test_an_error_of_the_call_is_the_callers():
    with pytest.raises(ValueError, match="7"):
        list(Crew(1, fails, start, ("",)).work_off((7,)))
