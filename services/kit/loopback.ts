// Which addresses are those of this machine alone.

/** Whether a host name or address is the loopback's; with or without the brackets of IPv6. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
}

/** Whether what listens at a host is reached from this machine alone: the loopback or a Unix socket. */
export const isLocalListener = (host: string): boolean => host.startsWith('unix:') || isLoopback(host)

/** Whether everything that a gRPC name (`host:port`, `dns:///host:port`, `ipv4:a:port,b:port`) stands for is here. */
export function isLocalTarget(target: string): boolean {
  if (target.startsWith('unix:')) return true
  const endpoints = target.replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/, '').split(',')
  return endpoints.every((endpoint) => isLoopback(endpoint.trim().replace(/:\d+$/, '')))
}
