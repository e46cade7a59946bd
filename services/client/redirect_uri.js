// What a redirection endpoint may look like at registration (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700
// section 2.1). Requests are compared with it character by character, so nothing is admitted that a browser or a proxy
// could read in two ways.
export const maxUriBytes = 2_048
const uriForm = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/i
const authorityForm = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?$/i
const uriCharacters = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/
const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost']
/** What is wrong with a redirect URI; undefined if nothing is. */
export function redirectUriProblem(uri) {
  if (Buffer.byteLength(uri) > maxUriBytes) return `is longer than ${maxUriBytes} bytes`
  if (uri.includes('#')) return 'must not have a fragment'
  if (uri.includes('*')) return 'must not have a wildcard'
  if (!uriCharacters.test(uri)) return 'has a character that does not belong in a URI'
  const [whole, scheme = '', authority, path = '', query = ''] = uriForm.exec(uri) ?? []
  if (whole === undefined) return 'is not an absolute URI'
  return (
    schemeProblem(scheme.toLowerCase(), authority, path) ??
    authorityProblem(uri, authority) ??
    encodingProblem(path, query)
  )
}
/** The parts that two URIs of one site have in common; the URI must have passed. */
export function partsOf(uri) {
  const [, scheme = '', authority = ''] = uriForm.exec(uri) ?? []
  const [, host = '', port] = authorityForm.exec(authority) ?? []
  const ownPort = { http: '80', https: '443' }[scheme.toLowerCase()] ?? ''
  return { scheme: scheme.toLowerCase(), host: host.toLowerCase(), port: port ?? ownPort }
}
const isWebScheme = (scheme) => scheme === 'https' || scheme === 'http'
function schemeProblem(scheme, authority, path) {
  if (isWebScheme(scheme)) {
    if (!authority) return 'has no host'
    const host = authorityForm.exec(authority)?.[1]?.toLowerCase() ?? ''
    if (scheme === 'http' && !loopbackHosts.includes(host)) return 'must use https unless its host is the loopback'
    return undefined
  }
  // A name in the owner's control, backwards (RFC 8252 section 7.1). Schemes that a browser gives a meaning have no dot.
  if (!scheme.includes('.')) return 'has a scheme that is neither https nor a private-use one with a dot'
  if (!authority && path === '') return 'has nothing after its scheme'
  return undefined
}
function authorityProblem(uri, authority) {
  if (!authority) return undefined
  if (authority.includes('@')) return 'must not have user information'
  const [whole, host = '', port] = authorityForm.exec(authority) ?? []
  if (whole === undefined) return 'has a host or port that is not valid'
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return 'has a port that is not valid'
  const { scheme } = partsOf(uri)
  if (isWebScheme(scheme) && hostnameOf(uri) !== host.toLowerCase()) return 'has a host that is not in its plain form'
  return undefined
}
/** The host as a browser understands it: numeric and other second spellings of an address come out as another one. */
function hostnameOf(uri) {
  try {
    return new URL(uri).hostname
  } catch {
    return ''
  }
}
/** Looks behind percent-encoding, also a repeated one, for what must not be there in the plain. */
function encodingProblem(path, query) {
  if (/%(?![0-9a-f]{2})/i.test(path + query)) return 'has a percent sign that encodes nothing'
  const [plainPath, plainQuery] = [decodeAll(path), decodeAll(query)]
  if (plainPath === undefined || plainQuery === undefined) return 'has an encoding that is not valid'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f\\#]/.test(plainPath + plainQuery)) return 'encodes a character that must not be in it'
  const segments = plainPath.split('/').map((segment) => segment.replace(/;.*$/s, ''))
  if (segments.includes('.') || segments.includes('..')) return 'must not have dot segments'
  return undefined
}
/** The text without any percent-encoding; undefined if it is none or too deep. */
function decodeAll(text) {
  let plain = text
  for (let depth = 0; depth < 4; depth++) {
    const decoded = decodeOnce(plain)
    // A percent sign may itself be encoded: what then no longer decodes is plain.
    if (decoded === undefined) return depth === 0 ? undefined : plain
    if (decoded === plain) return plain
    plain = decoded
  }
  return undefined
}
function decodeOnce(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
//# sourceMappingURL=redirect_uri.js.map
