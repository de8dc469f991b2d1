create table days (id int not null, day date not null, check (id > 0)) partition by range (day);
create table may (id int not null, day date not null, note text);
create view of_may as select id, day from may;
