create table notes (body text) with (fillfactor = 70, toast.autovacuum_enabled = false);
