create schema "order";
