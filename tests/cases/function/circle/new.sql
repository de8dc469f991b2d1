set check_function_bodies = off;
create table notes (id integer);
create function even(n integer) returns boolean language sql as 'select n = 0 or odd(n - 1)';
create function odd(n integer) returns boolean language sql as 'select n > 0 and even(n - 1)';
create function up(n integer) returns integer language plpgsql as 'begin return down(n); end';
create function down(n integer) returns integer language plpgsql as 'begin return up(n); end';
