create type mood as enum ('sad', 'ok', 'happy', 'elated', 'beside himself');
create table t (id int not null, m mood);
