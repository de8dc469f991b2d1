create type mood as enum ('ok', 'sad');
create table u ();
