"""What a function does on its start, as a process: `_start.py FOLDER`, with DATABASE_URL and ENDPOINT set."""

import asyncio
import os
import sys

from sendoka import migrate, neon


async def main() -> None:
    """Bring the database to the folder."""
    async with neon(os.environ["DATABASE_URL"], endpoint=os.environ["ENDPOINT"]) as sql:
        await migrate(sql, sys.argv[1])


asyncio.run(main())
