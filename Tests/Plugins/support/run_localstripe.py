"""Runs localstripe, a stateful stand-in for Stripe that others wrote, on loopback and without its file on disk."""
import sys

from aiohttp import web
from localstripe import resources
from localstripe.server import app

type(resources.store).dump_to_disk = lambda self: None

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
