create table t (id int generated always as identity (increment by 5 cache 3 cycle));
