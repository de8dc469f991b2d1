create type mood as enum ('angry', 'sad', 'ok', 'happy');
create table t (id int not null, m mood);
