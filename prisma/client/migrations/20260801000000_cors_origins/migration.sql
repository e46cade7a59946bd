-- Which clients have origins is asked of all at once, and most have none.
CREATE INDEX "client_with_cors_origins_idx" ON "client" ("client_id") WHERE cardinality("allowed_cors_origins") > 0;
