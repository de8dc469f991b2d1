create table t (id int, a date not null default now(), b text);
create index i on t (a);
