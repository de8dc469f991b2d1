create type mood as enum ('happy', 'ok', 'sad');
create table t (id int not null, m mood);
