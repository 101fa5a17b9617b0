create table if not exists products (
  id text primary key,
  name text not null,
  price int not null
);
