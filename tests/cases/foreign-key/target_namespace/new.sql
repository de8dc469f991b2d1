create schema one;
create schema two;
create table one.u (id int primary key);
create table two.u (id int primary key);
create table t (u int, constraint t_u_fkey foreign key (u) references two.u (id));
