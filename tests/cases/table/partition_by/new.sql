create table u ();
create table p (id int not null, day date not null, a text, primary key (id, day)) partition by hash (id);
