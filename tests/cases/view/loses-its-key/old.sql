create table notes (id integer primary key, title text not null);
create view listed as select id, title from notes group by id;
create view above as select * from listed;
