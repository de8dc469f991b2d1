create type mood as enum ('a', 'b', 'sad', 'c', 'ok', 'd', 'happy', 'e');
create table t (id int not null, m mood);
