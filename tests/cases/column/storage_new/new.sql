create table u (a int, b numeric);
alter table u alter b set storage extended;
create table t (a text, b numeric(9,2), c jsonb);
alter table t alter a set storage external;
alter table t alter c set compression pglz;
comment on column t.c is 'squeezed';
