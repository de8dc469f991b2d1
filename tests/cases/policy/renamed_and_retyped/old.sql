create table docs (owner int);
create policy theirs on docs using (owner = 3);
