-- What the pins decided about each request: its classes and the entries that put it there, what did not meet a requirement
-- and what was done about it, who approved the version that ran and the hash of what was approved.
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS pin_class LowCardinality(String);
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS pin_rule String;
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS pin_findings String;
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS approved_by LowCardinality(String);
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS config_hash LowCardinality(String);
