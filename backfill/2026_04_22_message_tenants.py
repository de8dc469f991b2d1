"""Give every message the default tenant of its organisation."""

from __future__ import annotations

from sendoka.backfills import backfill

message_tenants = backfill(
    table="messages",
    where="""
        tenant_id is null
        and exists (select from orgs where orgs.id = messages.org_id and orgs.default_tenant_id is not null)
    """,
    columns=["id", "org_id"],
    sql="""
        update messages set tenant_id = orgs.default_tenant_id
        from page join orgs on orgs.id = page.org_id
        where messages.id = page.id and orgs.default_tenant_id is not null
    """,
)
