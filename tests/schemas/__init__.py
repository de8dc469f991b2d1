"""Random schemas and random changes of them: what the differ is tried with."""
