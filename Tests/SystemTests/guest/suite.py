#!/usr/bin/python3
"""Runs in the guest: the cases of cases/, one after the other, each on a hub that was set back. Prints for each `ok NAME (seconds)`
or `FAIL NAME: why`, with what the daemon logged indented behind it. /ctl/plan.json says which cases, and what was done by the
boots before this one."""
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases
import framework
from hub import Hub


class TimeIsUp(BaseException):
    pass


def ring(*_):
    raise TimeIsUp


def run(function, hub, *arguments):
    """One case: None when it passed, else why not."""
    with open('/ctl/running', 'w') as file:
        file.write(function.name)
    signal.alarm(int(function.limit))
    try:
        function(hub, *arguments)
        signal.alarm(0)
        hub.check_logs()
        return None
    except TimeIsUp:
        return 'longer than %g s' % function.limit
    except framework.Failed as why:
        return str(why)
    except Exception as error:
        signal.alarm(0)
        print('    ' + traceback.format_exc().strip().replace('\n', '\n    '))
        return repr(error)
    finally:
        signal.alarm(0)


def tell(function, why, hub, began):
    if why is None:
        print('ok %s (%.1f s)' % (function.name, time.monotonic() - began))
    else:
        print('FAIL %s: %s' % (function.name, ' '.join(str(why).split())))
        for line in hub.story():
            print('    ' + line)


def set_back(hub):
    signal.alarm(60)
    try:
        hub.reset()
    except (TimeIsUp, Exception) as error:
        print('    the hub could not be set back: %r' % error)
    finally:
        signal.alarm(0)


def main():
    signal.signal(signal.SIGALRM, ring)
    plan = json.load(open('/ctl/plan.json'))
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module('cases.' + module.name)
    # The package is installed first, what pulls the plug comes last.
    everything = sorted(framework.CASES, key=lambda c: (c.name != 'package.installs', c.cuts))
    wanted = [c for c in everything if (not plan['patterns'] and not c.asked) or c.name == 'package.installs'
              or any(p in c.name for p in plan['patterns'])]
    if not os.path.exists('/ctl/hearth.deb'):
        wanted = [c for c in wanted if c.name != 'package.installs']
    hub = Hub()
    bad = 0
    for function in wanted:
        resumed = function.name == plan['resume']
        if function.name in plan['done']:
            continue
        if not resumed:
            set_back(hub)
        began = time.monotonic()
        why = run(function, hub, *([resumed] if function.cuts else []))
        bad += why is not None
        tell(function, why, hub, began)
        if function.name == 'package.installs' and why is not None:
            break
    set_back(hub)
    return 1 if bad else 0


sys.exit(main())
