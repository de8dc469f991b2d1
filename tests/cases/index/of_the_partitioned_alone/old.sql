create table days (day date) partition by range (day);
create table may partition of days for values from ('2024-05-01') to ('2024-06-01');
