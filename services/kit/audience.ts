// How a requested audience is compared with the audiences that are allowed: the same scheme and host, and the same path
// or one below it, as in Hydra.

/** Whether one of the allowed audiences covers the requested one. */
export const coversAudience = (allowed: readonly string[], requested: string): boolean =>
  allowed.some((audience) => audience === requested || coversUrl(audience, requested))

function coversUrl(allowed: string, requested: string): boolean {
  if (!URL.canParse(allowed) || !URL.canParse(requested)) return false
  const outer = new URL(allowed)
  const inner = new URL(requested)
  if (inner.username || inner.password || inner.hash) return false
  const isSameHost = outer.protocol === inner.protocol && outer.host === inner.host
  const path = outer.pathname.replace(/\/+$/, '')
  return isSameHost && (inner.pathname === path || inner.pathname.startsWith(`${path}/`))
}
