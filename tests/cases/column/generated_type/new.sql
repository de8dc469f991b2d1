create table t (a bigint, c bigint generated always as (a + 1) stored);
