create table t (a int, id bigint generated always as identity);
