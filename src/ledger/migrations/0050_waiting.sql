-- Why a session came to rest (`stop_reason.type`: `end_turn`, `requires_action`, …), so that its waiting for somebody's
-- answer is told apart from its being idle. '' for other edges, and for those recorded before this column.
ALTER TABLE tollgate.session_status /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS reason LowCardinality(String);
