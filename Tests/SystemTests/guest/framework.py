"""A case is a function with a docstring that takes the hub; it fails by raising. See suite.py for how they are run."""
import time

CASES = []


class Failed(Exception):
    """What was expected and what was there instead."""


def case(function=None, *, limit=100, cuts=False, asked=False):
    """Registers a case under its module's and its function's name. `limit`: seconds it may take. `cuts`: it pulls the plug; it
    is called with rebooted=False before and with rebooted=True after. `asked`: it runs only when a pattern names it."""
    def register(function):
        function.name = function.__module__.split('.')[-1] + '.' + function.__name__
        function.limit, function.cuts, function.asked = limit, cuts, asked
        CASES.append(function)
        return function
    return register(function) if function else register


def expect(good, why, *more):
    if not good:
        raise Failed(' '.join([str(why)] + [str(word) for word in more]))


def expect_equal(got, wanted, what):
    expect(got == wanted, '%s: got %r, wanted %r' % (what, got, wanted))


def wait_until(function, seconds, what):
    """Calls until it gives something true, and returns that. Less and less often: each call of hearthctl takes its share of the
    emulated processors from what it waits for."""
    end = time.monotonic() + seconds
    pause = 0.1
    while True:
        value = function()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed('not within %g s: %s' % (seconds, what() if callable(what) else what))
        time.sleep(pause)
        pause = min(pause * 1.4, 0.5)


def stays(function, seconds, what):
    """The opposite: must be true all the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        expect(function(), what)
        time.sleep(0.5)
