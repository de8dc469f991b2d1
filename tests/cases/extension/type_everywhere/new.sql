create schema n;
create extension citext schema n;
create domain n.d as n.citext;
create type n.c as (a n.citext, d n.d);
create function n.f(a n.citext, b n.citext[]) returns table (c n.citext) language sql as 'select a';
create table n.t (a n.citext, c n.c, d n.d);
create table u (a int);
