create sequence s as smallint increment by -1;
