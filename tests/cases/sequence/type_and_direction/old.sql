create sequence s as smallint increment by -1;
create sequence u as smallint increment by -1 minvalue -9;
