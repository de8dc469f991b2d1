create table days (id int not null, day date) partition by range (day);
create table weeks (id int not null, day date) partition by range (day);
create table may partition of weeks for values from ('2024-05-01') to ('2024-07-01');
create index may_ids on may (id);
