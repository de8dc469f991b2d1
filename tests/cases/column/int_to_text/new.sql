create table t (a text default '5', check (a > '0'));
create index on t (a) where a > '1';
