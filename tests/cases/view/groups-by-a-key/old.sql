create table notes (id integer primary key, title text);
create view listed as select id, title from notes group by id;
create table tags (id integer, name text, constraint named primary key (id));
create view counted as select id, name from tags group by id;
