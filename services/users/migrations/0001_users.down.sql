drop table if exists signing_keys;
drop table if exists used_tokens;
drop table if exists sessions;
drop table if exists users;
