create type mood as enum ('sad', 'ok', 'happy');
create table t (m text default 'ok', n varchar(9)[]);
