// Where browsers and apps reach the public port.
import type { Config } from '../../services/kit/config/config.js'

/** Without a slash at the end. */
export const publicUrlOf = ({ urls }: Pick<Config, 'urls'>): string =>
  (urls.self.public || urls.self.issuer).replace(/\/+$/, '')
