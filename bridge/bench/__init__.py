"""Benchmarks: each module without an underscore is one, with ``run(arguments) -> result``.

What is measured runs as in production: gunicorn, RQ workers, a Redis-protocol server, HTTP to the sandboxes, all
in processes of their own on loopback. Every figure stands beside a reference measured in the same run, and what
is judged is their ratio: the machine's own speed drops out of it.
"""
