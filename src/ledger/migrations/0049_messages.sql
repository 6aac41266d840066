-- Calls of the Messages API name their own model, and are no part of a session.
ALTER TABLE tollgate.usage_events /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS event_model LowCardinality(String);
ALTER TABLE tollgate.usage_events /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS event_geo LowCardinality(String);
ALTER TABLE tollgate.usage_events /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS service_tier LowCardinality(String);
ALTER TABLE tollgate.usage_events /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS web_search_requests UInt64;
