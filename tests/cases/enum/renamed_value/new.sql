create type mood as enum ('sad', 'fine', 'happy');
create table t (id int not null, m mood default 'fine', many mood[], check (m <> 'sad'));
