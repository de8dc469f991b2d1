"""Write a thousand widgets without titles, so that the backfill beside has something to do."""

import asyncio

from sendoka import neon, new_id
from sendoka.settings import find_source, read_settings

INSERT = """
    insert into widgets (id, owner, name, config)
    select id, 'ada', 'widget ' || number, '{"color": "blue", "size": 1}'
    from unnest($1::text[]) with ordinality as made (id, number)
"""


async def main() -> None:
    """Insert them in one statement."""
    source = find_source(read_settings())
    async with neon(source.url) as sql:
        written = await sql(INSERT, [new_id("wgt") for _ in range(1000)]).result()
    print(f"{written.row_count} widgets, in the database that {source.name} names")


if __name__ == "__main__":
    asyncio.run(main())
