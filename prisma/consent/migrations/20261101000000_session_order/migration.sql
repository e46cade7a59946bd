-- Few sessions of a subject are of one millisecond: those are sorted when they are listed, and the index goes without their ids.
-- The new one comes first, so that lists go on while it is made.
CREATE INDEX "consent_session_subject_handled_at_idx" ON "consent_session" ("subject", "handled_at");
DROP INDEX "consent_session_subject_handled_at_id_idx";
