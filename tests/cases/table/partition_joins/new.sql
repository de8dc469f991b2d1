create table days (id int not null, day date not null, check (id > 0)) partition by range (day);
create table may partition of days for values from ('2024-05-01') to ('2024-06-01');
create view of_may as select id, day from may;
