create type mood as enum ('sad', 'so', 'so so', 'ok', 'well', 'happy');
create table t (id int not null, m mood);
