create table t (a int);
create index i on t (a);
update pg_index set indisvalid = false where indexrelid = 'i'::regclass;
