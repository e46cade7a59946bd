CREATE INDEX "ended_session_ended_at_idx" ON "ended_session" ("ended_at");

-- What a purge leaves is cleared when it is a twentieth of a table and not a fifth, which may be millions of rows.
ALTER TABLE "login_session" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "consent_session" SET (autovacuum_vacuum_scale_factor = 0.05);
