create sequence s as bigint increment by -1 start with -10;
