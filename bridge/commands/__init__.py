"""The commands of ``storebridge``: every click command in a module of this package is one.

A module here must import fast (click and the standard library); a command imports what it needs when it runs.
"""
