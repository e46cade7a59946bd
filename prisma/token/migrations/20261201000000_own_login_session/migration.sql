-- A grant that names no login session has the one of its own id. The new index comes first, so that sessions are found
-- while it is made.
CREATE INDEX "grant_login_session_id_set_idx" ON "grant" ("login_session_id") WHERE "login_session_id" IS NOT NULL;
DROP INDEX "grant_login_session_id_idx";
