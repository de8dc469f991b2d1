create table notes (id integer not null, title text not null, primary key (title));
create view listed as select id, title from notes group by id, title;
create table tags (id integer, name text, constraint named primary key (id) include (name));
create view counted as select id, name from tags group by id;
