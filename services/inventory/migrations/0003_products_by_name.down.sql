drop index concurrently if exists products_by_name;
