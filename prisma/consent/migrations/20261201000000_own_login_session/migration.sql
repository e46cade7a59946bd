-- A consent session that names no login session has the one of its own id. The new index comes first, so that sessions are found
-- while it is made.
ALTER TABLE "consent_session" ALTER COLUMN "login_session_id" DROP NOT NULL;
CREATE INDEX "consent_session_login_session_id_set_idx" ON "consent_session" ("login_session_id") WHERE "login_session_id" IS NOT NULL;
DROP INDEX "consent_session_login_session_id_idx";
