create type mood as enum ('sad', 'ok', 'happy');
create table u ();
create table t (id int not null, m mood);
