create table u ();
create table t (a smallserial, b serial primary key, c bigserial);
