-- What a purge leaves is cleared when it is a twentieth of a table and not a fifth.
ALTER TABLE "revocation" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "used_assertion" SET (autovacuum_vacuum_scale_factor = 0.05);
