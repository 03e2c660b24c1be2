#!/usr/bin/python3
"""The virtual devices as a program of its own, for a look by hand; see world.py."""
import asyncio
import sys

import world

asyncio.run(world.main(sys.argv[1:]))
