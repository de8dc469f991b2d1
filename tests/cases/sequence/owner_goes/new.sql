create table t (x int);
create sequence t_id_seq as int;
