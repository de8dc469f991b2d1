"""Give widgets without a title one made of their name."""

from sendoka.backfills import backfill

# `page` are the rows of one batch, locked. The change must make `where` false.
widget_titles = backfill(
    table="widgets",
    where="title is null",
    sql="update widgets w set title = initcap(page.name) from page where w.id = page.id",
)
