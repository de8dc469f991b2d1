create table days (id int not null, day date) partition by range (day);
create table weeks (id int not null, day date) partition by range (day);
create table may partition of days for values from ('2024-05-01') to ('2024-06-01');
create index may_ids on may (id);
