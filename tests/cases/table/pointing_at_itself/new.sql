create table t (id int primary key, parent int references t on delete cascade);
