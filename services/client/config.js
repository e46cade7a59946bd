export const pickConfig = ({ dsn, db, secrets }) => ({
  dsn,
  maxConnections: db.max_connections,
  pageTokenSecrets: secrets.pagination.length > 0 ? secrets.pagination : secrets.system,
})
//# sourceMappingURL=config.js.map
