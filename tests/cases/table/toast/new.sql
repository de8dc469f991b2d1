create table notes (body text) with (toast.vacuum_truncate = false);
create table tags (body text) with (toast.autovacuum_enabled = false);
