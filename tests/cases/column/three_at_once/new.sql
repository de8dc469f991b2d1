create table t (id int not null, a bigint not null default 3, c timestamptz default now(), d text);
