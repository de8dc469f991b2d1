create table days (id int, day bigint) partition by range (day);
create table early partition of days for values from (0) to (10);
