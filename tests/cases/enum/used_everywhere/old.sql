create type mood as enum ('sad', 'ok', 'happy');
create table t (id int not null, m mood not null default 'ok', many mood[] default '{ok,sad}', check (m <> 'sad'), unique (m));
create index i on t (id) where m = 'happy';
create index j on t (m, id);
create table u (m mood primary key);
comment on column t.m is 'how it goes';
