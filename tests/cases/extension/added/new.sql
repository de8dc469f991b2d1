create schema crypto;
create extension pgcrypto schema crypto;
