DROP TABLE extension_schema;
