create sequence s as integer increment by -2 minvalue -100 maxvalue 50 start with 7 cache 5 cycle;
