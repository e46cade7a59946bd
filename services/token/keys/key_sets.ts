// The key sets that tokens are signed with, by Hydra's names, and what each has from the first start on.
export const idTokenKeySet = 'hydra.openid.id-token'
export const accessTokenKeySet = 'hydra.jwt.access-token'

/** The keys that are made at the first start, in the sets that sign tokens. */
export const firstKeys: Readonly<Record<string, readonly string[]>> = {
  [idTokenKeySet]: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  [accessTokenKeySet]: ['ES256', 'RS256'],
}

/** Whether tokens are signed with keys of the set: then their private parts stay here. */
export const signsTokens = (set: string): boolean => Object.hasOwn(firstKeys, set)
