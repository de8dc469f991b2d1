create domain d as text;
comment on domain d is 'any';
