DROP TABLE jobs;
DROP TABLE settings;
DROP TABLE fleet_maps;
DROP TABLE images;
DROP TABLE owners;
