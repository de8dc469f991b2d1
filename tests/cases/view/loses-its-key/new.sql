create table notes (id integer, title text not null, constraint titled primary key (title));
create view listed as select id, title from notes group by id, title;
create view above as select id, title from listed;
