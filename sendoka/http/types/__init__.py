"""Postgres' types, a family a module: how a value is read from its text and written as one.

`catalog.py` is the one table of what is read as what; `sendoka/http/encode.py` the one of what can be sent.
"""
