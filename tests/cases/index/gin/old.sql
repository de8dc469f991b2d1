create table t (a jsonb);
create index i on t using gin (a);
