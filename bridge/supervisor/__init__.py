"""``storebridge run`` and ``storebridge worker``: everything that must run, as one tree of processes.

One process imports everything once, forks the children, starts those again that die, and takes all of them along
when it ends, however it ends. It opens no connection to Redis or the database itself.
"""
