create table u (a int);
create unlogged table t (a int generated always as identity, b text);
