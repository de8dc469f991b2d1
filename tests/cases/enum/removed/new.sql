create type mood as enum ('sad', 'happy');
create table t (id int not null, m mood);
