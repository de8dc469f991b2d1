create table docs (owner bigint);
create policy mine on docs using (owner = 3);
