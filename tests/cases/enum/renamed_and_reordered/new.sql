create type feeling as enum ('happy', 'ok', 'sad');
create table t (m feeling);
